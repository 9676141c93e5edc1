"""Is every event recorded while sealing fails in every way? Rotates each second under load, with faults at random.

    python -m benchmarks.soak [SECONDS [RATE]]

While a capture with `--rotate 1s` records numbered events, its sealing processes are killed or stopped, files take the
names of coming parts, the folder is moved away for a moment, and the number of its file descriptors is limited.
Afterwards the rows in the folder must be those that were sent, in order, and as many as the command reports.
"""

import asyncio
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
from websockets.asyncio.server import ServerConnection, serve

from arirecord.session.reader import open_session
from arirecord.session.seal import recover
from benchmarks.figure import Figure, tell


class Recording:
    """A capture to a folder, and the faults that are done to it."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder, self.pid = folder, pid
        self.taken: list[Path] = []
        self.dice = random.Random(1)
        self.done: Counter[str] = Counter()

    def sealing(self) -> list[int]:
        """The processes in which it seals."""
        paths = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(child) for path in paths for child in path.read_text().split()]

    def _signal(self, number: signal.Signals) -> int:
        count = 0
        for pid in self.sealing():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                count += 1
        return count

    async def kill(self) -> int:
        """What a system does that is short of memory."""
        return self._signal(signal.SIGKILL)

    async def stop(self) -> int:
        """A system that is too busy."""
        count = self._signal(signal.SIGSTOP)
        await asyncio.sleep(self.dice.uniform(0.5, 3))
        self._signal(signal.SIGCONT)
        return count

    async def take_names(self) -> int:
        """A clock that was set back, or a restart: the names of the next parts are there."""
        number = len(list(self.folder.rglob("[0-9]*.parquet*")))
        for seconds in range(3):
            begin = datetime.fromtimestamp(time.time() + seconds, UTC)
            for ahead in range(4):
                day = self.folder / f"date={begin:%Y-%m-%d}"
                path = day / f"{begin:%H%M%S}-{number + ahead:06d}.parquet{self.dice.choice(['', '.journal'])}"
                with suppress(OSError):
                    path.touch(exist_ok=False)
                    self.taken.append(path)
        return 1

    async def move_folder(self) -> int:
        """A folder that is not there for a moment: nothing can be begun in it."""
        away = self.folder.rename(self.folder.with_name("away"))
        await asyncio.sleep(self.dice.uniform(0.1, 2.5))
        away.rename(self.folder)
        return 1

    async def limit_files(self) -> int:
        """Neither a file can be opened nor a process started."""
        before = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (self.dice.choice([3, 12, 16]), before[1]))
        await asyncio.sleep(self.dice.uniform(0.1, 2.5))
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, before)
        return 1

    async def harm(self, until: float) -> None:
        """One fault after the other."""
        while time.monotonic() < until:
            faults = [self.kill, self.kill, self.stop, self.take_names, self.move_folder, self.limit_files]
            fault = self.dice.choice(faults)
            with suppress(ProcessLookupError, FileNotFoundError):  # a process ended meanwhile
                self.done[fault.__name__] += await fault()
            await asyncio.sleep(self.dice.uniform(0, 1))


async def soak(seconds: float, rate: int, folder: Path) -> tuple[Recording, int, str]:
    """Record for so long; return what was done, the events sent, and the words of the command."""
    sent = 0
    began = asyncio.Event()
    ended = asyncio.Event()

    async def send(connection: ServerConnection) -> None:
        nonlocal sent
        began.set()
        start = time.monotonic()
        while (now := time.monotonic()) < start + seconds:
            while sent < (now - start) * rate:
                await connection.send(f'{{"type":"Dial","dialstring":"{sent}","second":{int(now - start)}}}')
                sent += 1
            await asyncio.sleep(0.002)
        await (await connection.ping())  # answered when all before it was taken
        ended.set()
        await connection.wait_closed()

    async with serve(send, "127.0.0.1", 0, compression=None) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        command = [sys.executable, "-m", "arirecord", "capture", "--url", url, "-o", f"{folder}/", "--rotate", "1s"]
        capture = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        await began.wait()
        recording = Recording(folder, capture.pid)
        reading = asyncio.gather(capture.communicate(), recording.harm(time.monotonic() + seconds), ended.wait())
        await ended.wait()
        capture.send_signal(signal.SIGTERM)
        _, words = (await reading)[0]
    return recording, sent, words.decode()


def main() -> None:
    """Soak, compare, and tell the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "days"
        recording, sent, words = asyncio.run(soak(seconds, rate, folder))
        counted = int(re.search(r": ([0-9,]+) events,", words)[1].replace(",", ""))  # type: ignore[index]
        for path in recording.taken:
            path.unlink()
        journals = list(folder.rglob("*.journal"))
        for journal in journals:
            recover(journal)
        session = open_session(folder)
        rows = [orjson.loads(frame.raw) for frame in session.frames()]
        unfinished = len(list(folder.rglob(".*")))
    by_second = Counter(row["second"] for row in rows)
    print(words, file=sys.stderr)
    if [row["dialstring"] for row in rows] != [str(n) for n in range(sent)] or counted != sent:
        short = {second: count for second, count in sorted(by_second.items()) if count < rate * 0.99}
        raise SystemExit(f"{sent} sent, {counted} counted, {len(rows)} rows; seconds with fewer: {short}")
    tell(
        Figure(
            what="events lost while sealing fails at random",
            unit="events",
            ours=[float(sent - len(rows))],
            most=0,
            said=f"{sent:,} sent, counted and in the folder, in each of {len(by_second)} seconds, in "
            f"{len(session.parts)} parts, {len(journals)} of them sealed afterwards; {unfinished} unfinished files; "
            f"faults: {', '.join(f'{count} × {name}' for name, count in sorted(recording.done.items()))}",
        )
    )


if __name__ == "__main__":
    main()
