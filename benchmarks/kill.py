"""How much does kill -9 cost? Kills a capture at random moments and looks at what is missing.

    python -m benchmarks.kill [KILLS]

A server sends 3,500 real frames a second (Asterisk's busiest second) and notes when. For each kill: the recovered
session must be what was sent, in order and without a hole; the figure is how long before the kill the first missing
frame was sent.
"""

import asyncio
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from arirecord.session.reader import open_session
from arirecord.session.seal import recover
from benchmarks.figure import Figure, tell

SAMPLE = Path(__file__).parents[1] / "sample_data" / "peak_load.parquet"
RATE = 3500


async def kill_once(frames: list[str], after_s: float, folder: Path) -> tuple[float, int]:
    """Milliseconds before the kill at which the first missing frame was sent, and how many frames are missing."""
    sent_at: list[float] = []
    connected = asyncio.Event()

    async def send(connection: ServerConnection) -> None:
        connected.set()
        start = time.monotonic()
        with suppress(ConnectionClosed):
            while True:
                while len(sent_at) < (time.monotonic() - start) * RATE:
                    sent_at.append(time.monotonic())
                    await connection.send(frames[len(sent_at) - 1])
                await asyncio.sleep(0.001)

    target = folder / "killed.parquet"
    async with serve(send, "127.0.0.1", 0, compression=None) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        command = [sys.executable, "-m", "arirecord", "capture", "--url", url, "-o", str(target), "--force"]
        capture = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        await connected.wait()
        await asyncio.sleep(after_s)
        killed_at = time.monotonic()
        capture.send_signal(signal.SIGKILL)
        await capture.wait()
    recover(target.with_name(target.name + ".journal"), force=True)
    found = [frame.raw for frame in open_session(target).frames()]
    if found != frames[: len(found)]:
        raise SystemExit("the recovered session is NOT what was sent")
    missing = [at for at in sent_at[len(found) :] if at < killed_at]
    return (killed_at - missing[0]) * 1000 if missing else 0.0, len(missing)


def main() -> None:
    """Kill so many captures, one after the other, and tell the figures."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    frames = [frame.raw for frame in open_session(SAMPLE).frames()]
    dice = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        results = [asyncio.run(kill_once(frames, dice.uniform(0.05, 1.0), Path(folder))) for _ in range(kills)]
    missing_ms = [ms for ms, _ in results]
    tell(
        Figure(
            what="kill -9: age of the oldest frame missing, worst",
            unit="ms",
            ours=[max(missing_ms)],
            most=20,
            said=f"{kills} kills at {RATE} frames/s, median {statistics.median(missing_ms):.1f} ms, at most "
            f"{max(count for _, count in results)} frames missing; each recovered session is what was sent, in order, "
            "without a hole",
        )
    )


if __name__ == "__main__":
    main()
