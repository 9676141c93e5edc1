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
from collections import Counter
from contextlib import suppress
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from arirecord.capture.address import Address
from arirecord.capture.dial import CaptureOptions, dial
from arirecord.session.reader import open_session
from arirecord.session.seal import recover
from benchmarks.figure import Figure, tell
from tests.asterisk.chroot import folder
from tests.asterisk.install import install
from tests.asterisk.switch import Asterisk
from tests.asterisk.test_harmless import load

_EDGE = 20
_AT_ONE_ASTERISK = 40

Seen = list[tuple[float, str]]


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
    connection.start(lambda data: seen.append((time.monotonic(), essence(data))))
    with suppress(ConnectionClosed):
        await connection.recv()


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
    assert process.stderr is not None
    said = b""
    while b"Recording" not in said:
        line = await process.stderr.readline()
        if not line:
            raise SystemExit(f"the recorder did not begin: {said.decode()}")
        said += line
    await asyncio.sleep(after_s)
    killed_at = time.monotonic()
    process.kill()
    await process.wait()
    await asyncio.sleep(0.05)
    recover(target.with_name(target.name + ".journal"), force=True)
    found = [essence(frame.raw) for frame in open_session(target).frames()]
    last = place(found, [frame for _, frame in seen])
    missing = [at for at, _ in seen[last + 1 :] if at < killed_at]
    return ((killed_at - missing[0]) * 1000 if missing else 0.0), len(found)


async def run(asterisk: Asterisk, kills: int) -> list[tuple[float, int]]:
    """All kills, under a steady load of calls."""
    seen: Seen = []
    dice = random.Random(1)
    results = []
    async with asyncio.TaskGroup() as tasks:
        background = [tasks.create_task(watch(asterisk, seen)), tasks.create_task(load(asterisk, 10_000))]
        await asyncio.sleep(6)  # the load takes so long to be steady: its calls last five seconds
        with tempfile.TemporaryDirectory() as where:
            for _ in range(kills):
                del seen[:-5000]
                results.append(await kill_once(asterisk, seen, dice.uniform(0.1, 0.6), Path(where)))
        for task in background:
            task.cancel()
    return results


def main() -> None:
    """Install, start, kill, tell."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    install(folder())
    results: list[tuple[float, int]] = []
    while len(results) < kills:
        # After about a hundred clients that died Asterisk's ARI may answer nobody any more.
        with Asterisk(folder()) as asterisk:
            results += asyncio.run(run(asterisk, min(_AT_ONE_ASTERISK, kills - len(results))))
    missing_ms = [ms for ms, _ in results]
    tell(
        Figure(
            what="kill -9 at a real Asterisk: age of the oldest frame missing, worst",
            unit="ms",
            ours=[max(missing_ms)],
            most=20,
            said=f"{kills} kills under load, median {statistics.median(missing_ms):.1f} ms; "
            f"{sum(n for _, n in results):,} frames recovered, no hole",
        )
    )


if __name__ == "__main__":
    main()
