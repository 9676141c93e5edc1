"""What does a long capture cost? Real frames at a given rate to the real command; its CPU share and resident memory.

    python -m benchmarks.steady RATE SECONDS

tells the share of one core, beside that of a stock loop that throws the frames away, and the resident memory after a
third, two thirds and at the end. `benchmarks.steady 3500 60` is Asterisk's busiest second for a minute; `… 50000 20` is
a million events.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection, broadcast, serve

from arirecord.session.reader import open_session
from benchmarks.figure import Figure, tell

DISCARD = """
import asyncio, signal, sys
from websockets.asyncio.client import connect
async def main(url):
    async with connect(url.replace("http", "ws", 1) + "/events?app=x", compression=None) as connection:
        while True:
            await connection.recv(decode=False)
signal.signal(signal.SIGINT, signal.SIG_DFL)
asyncio.run(main(sys.argv[1]))
"""
SAMPLE = Path(__file__).parents[1] / "sample_data" / "peak_load.parquet"


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Share of a core in percent, resident memory on the way and at most while ending, frames sent."""

    percent: float
    memory: list[float]
    peak_mb: float
    sent: int


async def cost(command: list[str], rate: int, seconds: float) -> Cost:
    """Run a command (`URL` in it is where to connect), serve it, watch it, end it."""
    frames = [frame.raw for frame in open_session(SAMPLE).frames()]
    connected = asyncio.Event()
    clients: set[ServerConnection] = set()

    async def take(connection: ServerConnection) -> None:
        clients.add(connection)
        connected.set()
        await connection.wait_closed()

    async with serve(take, "127.0.0.1", 0, compression=None) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        process = await asyncio.create_subprocess_exec(*(url if part == "URL" else part for part in command))
        await connected.wait()
        await asyncio.sleep(1)
        began, before = time.monotonic(), cpu_s(process.pid)
        sent, memory = 0, [resident_mb(process.pid)]
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                broadcast(clients, frames[sent % len(frames)])
                sent += 1
            if passed > seconds / 3 * len(memory):
                memory.append(resident_mb(process.pid))
            await asyncio.sleep(0.002)
        memory.append(resident_mb(process.pid))
        share = (cpu_s(process.pid) - before) / (time.monotonic() - began)
        process.send_signal(signal.SIGINT)
        peak = 0.0
        while process.returncode is None:
            with suppress(OSError, StopIteration):
                peak = max(peak, resident_mb(process.pid))
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 0.05)
    return Cost(share * 100, memory, peak, sent)


async def main(rate: int, seconds: float) -> None:
    """The capture, and in the same minute a loop that throws the frames away: what the machine itself costs."""
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/s.parquet"
        ours = await cost([sys.executable, "-m", "arirecord", "capture", "--url", "URL", "-o", target], rate, seconds)
        recorded = open_session(target).header.events
    theirs = await cost([sys.executable, "-c", DISCARD, "URL"], rate, seconds)
    tell(
        Figure(
            what=f"cost of capturing {rate:,} events/s",
            unit="% of a core",
            events=recorded,
            ours=[ours.percent],
            theirs=[theirs.percent],
            rival="websockets loop throwing frames away",
            most=5 if rate == 3500 else None,
            peak_mb=max(ours.memory),
            said=f"{ours.sent:,} sent, {recorded:,} recorded; MB on the way "
            + " → ".join(f"{mb:.0f}" for mb in ours.memory)
            + f"; while sealing at most {ours.peak_mb:.0f}",
        )
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
