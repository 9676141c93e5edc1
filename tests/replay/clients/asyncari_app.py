"""An app made with asyncari. Run as `asyncari_app.py BASE_URL APP COUNT CHANNEL`; tells what it got in JSON."""

import json
import sys

import anyio  # type: ignore[import-not-found, unused-ignore]
import asyncari  # type: ignore[import-not-found, unused-ignore]


async def main(base: str, app: str, count: int, channel: str) -> None:
    """Hear so many events, read a channel, answer it, and wait whether anything comes twice."""
    got: list[str] = []
    async with asyncari.connect(base, app, "user", "password") as client:
        # Iterating makes the listener; the connection was made before, so the replay waits until it is resumed.
        events = client.__aiter__()
        print("ready", flush=True)
        while len(got) < count:
            got.append((await events.__anext__())._orig_msg)
        read = (await client.channels.get(channelId=channel)).json
        await client.channels.answer(channelId=channel)
        with anyio.move_on_after(1.5):
            while True:
                got.append((await events.__anext__())._orig_msg)
        print(json.dumps({"events": got, "channel": read}), flush=True)


anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
