"""An app made with aioari. Run as `aioari_app.py BASE_URL APP COUNT CHANNEL`; tells what it got in JSON."""

import asyncio
import json
import sys

import aioari  # type: ignore[import-not-found, unused-ignore]


async def main(base: str, app: str, count: int, channel: str) -> None:
    """Hear so many events, read a channel, answer it, and wait whether anything comes twice."""
    got: list[object] = []
    done = asyncio.Event()

    def hear(event: object) -> None:
        got.append(event)
        if len(got) == count:
            done.set()

    client = await aioari.connect(base, "user", "password")
    client.on_event("*", hear)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(client.run(apps=app))
        print("ready", flush=True)
        await done.wait()
        read = (await client.channels.get(channelId=channel)).json
        await client.channels.answer(channelId=channel)
        await asyncio.wait([running], timeout=1.5)
        print(json.dumps({"events": got, "channel": read}), flush=True)
        running.cancel()
    await client.close()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
