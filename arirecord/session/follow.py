"""Follow a running recording: its rows so far, then each row that comes."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

from arirecord.errors import JournalError
from arirecord.json_text import json_object

from .folder_files import sessions_and_journals
from .journal import is_locked
from .journal_blocks import BLOCK_FORMAT, BlockScan, first_head, is_head
from .journal_lines import Columns, read_lines
from .parts import read_part
from .reader import Frame, open_session

__all__ = ["follow"]


def follow(path: Path, wait: Callable[[], object]) -> Iterator[Frame | None]:
    """Yield all rows of a recording, in order, until it ends; None if all rows so far were given.

    path: the file or the folder of the recording.
    wait: called between two looks.

    Parts are read from their sessions and journals. The recorder is not disturbed: journals are only read.
    Raises as `open_session` does, and `JournalError` for a journal of format 1.
    """
    if not any(sessions_and_journals(path)):
        open_session(path)  # raises
    follower = _Follower(path)
    while True:
        yield from follower.rows()
        if follower.is_ended:
            return
        yield None
        wait()


class _Follower:
    """Reads part after part. `is_ended` is true if no recording was running at the last look."""

    def __init__(self, path: Path) -> None:
        self.is_ended = False
        self._path = path
        self._is_beginning = False
        self._next_seqs: dict[int, int] = {}
        self._done: set[Path | tuple[int, ...]] = set()
        self._journal: _GrowingJournal | None = None

    def rows(self) -> Iterator[Frame]:
        """Yield the rows that came since the last look."""
        while True:
            if self._journal is None:
                part = self._next_part()
                if part is None:
                    self.is_ended = not self._is_beginning
                    return
                if isinstance(part, Path):
                    self._done.add(part)
                    yield from self._new(open_session(part).frames(kinds=None))
                    continue
                self._journal = part
            is_running = self._journal.is_running()  # first: all that is written until it ends is read
            yield from self._new(self._journal.frames())
            if is_running and not self._journal.is_ended:
                return
            self._done.add(self._journal.identity)
            self._journal.close()
            self._journal = None

    def _new(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            started_ns = frame.t_ns - frame.elapsed_ns
            if frame.seq >= self._next_seqs.get(started_ns, 0):
                self._next_seqs[started_ns] = frame.seq + 1
                yield frame

    def _next_part(self) -> "Path | _GrowingJournal | None":
        """Return the first part that was not read, by the start of its recording and its rows."""
        opened = {path: _GrowingJournal.open(path) for path in sessions_and_journals(self._path)[1]}
        journals = [journal for journal in opened.values() if journal]
        self._is_beginning = any(journal is None and _is_written(path) for path, journal in opened.items())
        sessions, _ = sessions_and_journals(self._path)  # last: a journal that is gone by now has its session
        parts: list[tuple[int, int, Path | _GrowingJournal]] = []
        for path in set(sessions) - self._done:
            extent = read_part(path).extent
            if extent is None or extent.last_seq < self._next_seqs.get(extent.started_ns, 0):
                self._done.add(path)
            else:
                parts.append((extent.started_ns, extent.first_seq, path))
        parts += [(*journal.begin, journal) for journal in journals if journal.identity not in self._done]
        parts.sort(key=lambda part: part[:2])
        first = parts[0][2] if parts else None
        for journal in journals:
            if journal is not first:
                journal.close()
        return first


class _GrowingJournal:
    """A journal that may be written meanwhile. `begin` is the start of its recording and its first `seq`.

    `identity` holds both numbers, too: the system gives the inode of a deleted journal to a later one.
    """

    def __init__(self, file: IO[bytes], head: Mapping[str, Any]) -> None:
        self.begin: tuple[int, int] = head["started_ns"], head.get("first_seq", 0)
        status = os.fstat(file.fileno())
        self.identity: tuple[int, ...] = status.st_dev, status.st_ino, *self.begin
        self._file = file
        self._scan = BlockScan(file)
        self._size = 0

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Return None for a journal that is gone, or has no head yet. Raises `JournalError` for another format."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        head = first_head(file)
        if is_head(head) and head["format"] == BLOCK_FORMAT:
            return cls(file, head)
        file.close()
        if head is None:
            return None
        raise JournalError(f"{path} can't be followed: it is of another version. Run `arirecord recover {path}`")

    def close(self) -> None:
        self._file.close()

    @property
    def is_ended(self) -> bool:
        return self._scan.is_ended

    def is_running(self) -> bool:
        """Return whether a process has it open for writing."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def frames(self) -> Iterator[Frame]:
        """Yield the rows that came since the last call."""
        size = os.fstat(self._file.fileno()).st_size
        if size == self._size:
            return
        self._size = size
        for batch in self._scan.batches():
            columns: Columns = ([], [], [], [])
            read_lines(batch.text, columns)
            for seq, (_, elapsed_ns, kind, raw) in enumerate(zip(*columns, strict=True), batch.seq):
                yield Frame(seq, self.begin[0] + elapsed_ns, elapsed_ns, kind, *_type_and_application(raw), raw)


def _is_written(path: Path) -> bool:
    try:
        return is_locked(path)
    except FileNotFoundError:
        return False


def _type_and_application(raw: str) -> tuple[str | None, str | None]:
    event = json_object(raw)
    event_type, application = event.get("type"), event.get("application")
    return event_type if isinstance(event_type, str) else None, application if isinstance(application, str) else None
