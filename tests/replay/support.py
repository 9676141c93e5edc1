"""What the replay tests share: a clock that moves when told, frames, a server with clients."""

import asyncio
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from arirecord.replay.wire.precise_loop import precise_loop
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import Frame
from arirecord.session.seal import seal
from tests.waiting import HANG_S

T = TypeVar("T")


class Now:
    """A monotonic clock that moves only when told."""

    def __init__(self) -> None:
        self.ns = 1_000_000_007

    def __call__(self) -> int:
        return self.ns


def frame(seq: int, elapsed_ns: int, raw: str = "{}", application: str | None = None) -> Frame:
    """An event frame at a place in the recording."""
    return Frame(seq, 1_700_000_000_000_000_000 + elapsed_ns, elapsed_ns, "event", None, application, raw)


def make(
    target: Path, rows: Iterable[tuple[int, str]], start_ns: int = 1_700_000_000_000_000_000, kind: str = "event"
) -> Path:
    """A session of `(elapsed_ns, text)` rows."""
    writer = JournalWriter(journal_path(target), start_ns, {"verb": "import", "files": []})
    writer.write((start_ns + elapsed_ns, elapsed_ns, kind, raw) for elapsed_ns, raw in rows)
    writer.close()
    seal(journal_path(target), target)
    return target


def run(coroutine: Coroutine[Any, Any, T], within_s: float = HANG_S) -> T:
    """Run on an event loop as the command uses it. Fails when it takes too long."""

    async def limited() -> T:
        async with asyncio.timeout(within_s):
            return await coroutine

    with asyncio.Runner(loop_factory=precise_loop) as runner:
        return runner.run(limited())


def client(url: str, app: str = "recorder", **options: Any) -> connect:
    """A WebSocket client of an application."""
    return connect(f"{url}?app={app}", compression=None, max_size=None, ping_interval=None, **options)


async def receive(connection: ClientConnection, count: int) -> list[str]:
    """So many frames."""
    return [str(await connection.recv()) for _ in range(count)]
