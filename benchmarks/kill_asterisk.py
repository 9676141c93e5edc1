"""kill -9 of a recorder at a real Asterisk under load, again and again; a second recorder is the witness.

    python -m benchmarks.kill_asterisk [KILLS]

Needs root and Debian, as `make test-asterisk` does. For each kill: what was recovered must stand in what the witness
saw, without a hole. The figure is how long before the kill the witness got the first frame that is missing.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter
from contextlib import suppress
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from arirecord.capture.address import Address
from arirecord.capture.connect import CaptureOptions, dial
from arirecord.session.reader import open_session
from arirecord.session.seal import recover
from benchmarks.figure import Figure, tell
from tests.real_asterisk.install import folder, install
from tests.real_asterisk.switch import Asterisk
from tests.real_asterisk.test_harmless import load

_EDGE = 20
_AT_ONE_ASTERISK = 40

Seen = list[tuple[float, str]]


class Silent(Exception):
    """Asterisk's ARI answers nobody any more, as happens now and then after clients that died."""


def essence(raw: str | bytes) -> str:
    """A frame without what differs between applications: its name, and when a device's state was told."""
    event = json.loads(raw)
    event.pop("application", None)
    if event["type"] == "DeviceStateChanged":
        del event["timestamp"]
    return json.dumps(event, sort_keys=True)


def place(found: list[str], frames: list[str]) -> int:
    """Index in `frames` of the last frame of `found`, which must stand there without a hole.

    Two sockets get the events of different channels in a slightly different order: near the ends of what was recovered
    some may have come earlier or later. Between the ends nothing may be missing on either side.
    """
    have, inner, ends = Counter(found), Counter(found[_EDGE:-_EDGE]), set(found[-_EDGE:])
    for last in range(len(frames) - 1, len(found) - 2, -1):
        if frames[last] in ends:
            window = frames[last - len(found) + 1 : last + 1]
            if not inner - Counter(window) and not Counter(window[_EDGE:-_EDGE]) - have:
                return last
    raise SystemExit("a hole: the witness saw frames amid those recovered that are not among them")


async def watch(asterisk: Asterisk, seen: Seen) -> None:
    """The witness: notes each frame and when it came."""
    address = Address.parse(asterisk.url, asterisk.user, asterisk.password)
    connection = await dial(CaptureOptions(address, "witness"))
    connection.start(lambda data, places: seen.extend((time.monotonic(), essence(data[place])) for place in places))
    with suppress(ConnectionClosed):
        await connection.recv()


async def began(asterisk: Asterisk, process: asyncio.subprocess.Process) -> None:
    """Return once it says that it records. Raises `Silent` where Asterisk lets nobody in."""
    assert process.stderr is not None
    said = b""
    while b"Recording" not in said:
        line = await process.stderr.readline()
        if not line:
            if await answers(asterisk):
                raise SystemExit(f"the recorder did not begin: {said.decode()}")
            raise Silent
        said += line


async def kill_once(asterisk: Asterisk, seen: Seen, after_s: float, folder: Path) -> tuple[float, int]:
    """Milliseconds before the kill at which the first missing frame came, and how many frames were recovered."""
    target = folder / "killed.parquet"
    command = [
        "-m",
        "arirecord",
        "capture",
        "--url",
        asterisk.url,
        "--user",
        asterisk.user,
        "-o",
        str(target),
        "--force",
        "--takeover",  # Asterisk may not have noticed yet that the last one is dead
    ]
    environment = {**os.environ, "ARIRECORD_PASSWORD": asterisk.password}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stderr=asyncio.subprocess.PIPE, env=environment
    )
    try:
        await began(asterisk, process)
        began_at = time.monotonic()
        await asyncio.sleep(after_s)
    finally:
        killed_at = time.monotonic()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    await asyncio.sleep(0.05)
    recover(target.with_name(target.name + ".journal"), force=True)
    found = [essence(frame.raw) for frame in open_session(target).frames()]
    frames = [frame for _, frame in seen]
    if not found and not await answers(asterisk):
        raise Silent
    last = place(found, frames) if found else sum(at < began_at for at, _ in seen) - 1
    missing = absent(found, frames, last)
    ages_ms = [(killed_at - seen[at][0]) * 1000 for at in missing if seen[at][0] < killed_at]
    return max(ages_ms, default=0.0), len(found)


def absent(found: list[str], frames: list[str], last: int) -> list[int]:
    """Indexes in `frames` of those after `last` that are not among `found`, as they are if the order differs."""
    ahead = Counter(found) - Counter(frames[last + 1 - len(found) : last + 1])
    missing = []
    for index in range(last + 1, len(frames)):
        if ahead[frames[index]]:
            ahead[frames[index]] -= 1
        else:
            missing.append(index)
    return missing


async def answers(asterisk: Asterisk) -> bool:
    """Whether a stock client still gets a stream under the recorder's name; REST may answer where that does not."""
    url = f"{asterisk.url.replace('http', 'ws', 1)}/events?app=arirecord&subscribeAll=true"
    token = b64encode(f"{asterisk.user}:{asterisk.password}".encode()).decode()
    try:
        async with connect(url, additional_headers={"Authorization": f"Basic {token}"}):
            return True
    except (OSError, WebSocketException):
        return False


async def calls(asterisk: Asterisk) -> None:
    """The load, until it is cancelled."""
    try:
        await load(asterisk, 10_000)
    except (OSError, LookupError) as error:
        if await answers(asterisk):
            raise
        raise Silent from error


async def run(asterisk: Asterisk, kills: int, results: list[tuple[float, int]], dice: random.Random) -> None:
    """So many kills, under a steady load of calls; each is put to `results`. Raises `Silent`, in a group."""
    seen: Seen = []
    async with asyncio.TaskGroup() as tasks:
        background = [tasks.create_task(watch(asterisk, seen)), tasks.create_task(calls(asterisk))]
        await asyncio.sleep(6)  # the load takes so long to be steady: its calls last five seconds
        with tempfile.TemporaryDirectory() as where:
            for _ in range(kills):
                del seen[:-5000]
                results.append(await kill_once(asterisk, seen, dice.uniform(0.1, 0.6), Path(where)))
        for task in background:
            task.cancel()


def main() -> None:
    """Install, start, kill, tell."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    install(folder())
    results: list[tuple[float, int]] = []
    dice, silent_count = random.Random(1), 0
    while len(results) < kills:
        with Asterisk(folder()) as asterisk:
            try:
                asyncio.run(run(asterisk, min(_AT_ONE_ASTERISK, kills - len(results)), results, dice))
            except* Silent:
                silent_count += 1
    missing_ms = [ms for ms, _ in results]
    tell(
        Figure(
            what="kill -9 at a real Asterisk: age of the oldest frame missing, worst",
            unit="ms",
            ours=[max(missing_ms)],
            most=20,
            said=f"{kills} kills under load, median {statistics.median(missing_ms):.1f} ms; "
            f"{sum(n for _, n in results):,} frames recovered, no hole"
            + (f"; {silent_count} times Asterisk stopped answering and was replaced" if silent_count else ""),
        )
    )


if __name__ == "__main__":
    main()
