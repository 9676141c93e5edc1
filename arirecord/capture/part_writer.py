"""The thread that writes queued rows to journals, and begins a new part when one is due."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.rows import binary_text, own_text

from .deleted_journal import is_cut, rescue
from .rotation import Folder, Target
from .sealer import Sealer
from .stats import Stats

__all__ = ["SPLIT", "Item", "PartWriter"]

BATCH_S = 0.01
"""Time that frames wait for others: each batch costs a wake-up, a flush and a write."""

_RETRY_S = 0.25
_LOOK_S = 1.0
"""Interval at which a recorder looks at its journal, and at the age of its part if it is idle."""

_SLICE = 256
"""About this number of rows is written together: few enough to reuse their memory."""

_SAY_AGAIN_S = 10.0
"""Minimum interval between messages about a disk that is full again and again."""

SPLIT = "split"
"""Kind of an item that is not a row: rows queued after it go into a new part."""

Item = tuple[int, int, str, bytes, Sequence[slice]]
"""The data of one read: `received_ns`, `elapsed_ns`, kind, and the positions of the texts in it. The writing thread
cuts them out, not the reader: memory that one thread allocates and another frees is slow.
"""

_Texts = tuple[int, int, str, Sequence[bytes]]


class PartWriter:
    """Writes the items of `add` to the journals of a target's parts.

    `kept_rows` and `stats.events` count what is in journals, `done_bytes` the data of `add` that waits no more,
    `cut_events` what was in a journal that another program has cut. An
    error other than the disk's ends the thread: `failure` is that error, `on_failure` is called, what waits is lost.

    Raises `TargetExists` and `OSError` when made.
    """

    def __init__(
        self,
        target: Target,
        source: Mapping[str, Any],
        started_ns: int,
        wall: Callable[[], int],
        stats: Stats,
        say: Callable[[str], None],
        on_failure: Callable[[], object],
        *,
        counts_channels: bool,
    ) -> None:
        self.kept_rows = self.done_bytes = self.cut_events = 0
        self.failure: BaseException | None = None
        self._target, self._source, self._started_ns, self._wall = target, source, started_ns, wall
        self._stats, self._counts_channels = stats, counts_channels
        self._say, self._on_failure = say, on_failure
        self._said_at = -_SAY_AGAIN_S
        self._rotation_trouble: str | None = None
        self._journal_trouble: str | None = None
        self._rotate_at = self._look_at = 0.0
        self._part_rows = self._part_events = self._last_elapsed_ns = 0
        self._part_since = time.monotonic()
        self.part, self.journal = self._open_part()
        folder, lake = (target.path, target.lake) if isinstance(target, Folder) else (None, None)
        self.sealer = Sealer(self._tell, folder, lake)
        self._pending: deque[Item] = deque()
        self._unsure_rows = self._unsure_events = 0
        self._wake = threading.Event()
        self._idle = True
        self._is_split_wanted = self._closing = False
        self._thread = threading.Thread(target=self._run, name="arirecord-journal", daemon=True)
        self._thread.start()

    @property
    def is_part_empty(self) -> bool:
        """Whether no row is in the last of several parts."""
        return self._stats.parts > 1 and self.kept_rows == self._part_rows

    def add(self, item: Item) -> None:
        """Queue the data of one read; returns at once."""
        self._pending.append(item)
        if self._idle:
            self._idle = False
            self._wake.set()

    def close(self) -> None:
        """Write all that waits, and end. Raises `OSError` if the disk refused until the end."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self.journal.close()
        self.kept_rows += self._unsure_rows
        self._stats.events += self._unsure_events

    def _open_part(self) -> tuple[Path, JournalWriter]:
        part = self._target.part(self._stats.parts - 1, self._wall())
        return part, JournalWriter(journal_path(part), self._started_ns, self._source, self.kept_rows)

    def _run(self) -> None:
        try:
            self._write_all()
        except BaseException as error:
            self.failure = error
            self._stats.trouble = f"the recorder failed ({error!r})"
            self._tell(f"THE RECORDER FAILED and records no more: {error!r}. Please report this.")
            with suppress(Exception):
                self._on_failure()

    def _write_all(self) -> None:
        is_busy = False
        while not (self._closing and not self._pending):
            if not is_busy:
                self._wait()
            if not self._closing:
                time.sleep(BATCH_S)  # collects a batch; 10 ms at most, so that nothing need end it
            items = [self._pending.popleft() for _ in range(len(self._pending))]
            is_busy = len(items) > 1  # under load no one needs to wake this thread
            self._keep(items)
            if time.monotonic() >= self._look_at:
                self._look()
            if not self._closing:
                self._rotate()
        self._look()

    def _wait(self) -> None:
        self._idle = True
        if not self._pending:
            self._wake.wait(_LOOK_S)
        self._idle = False
        self._wake.clear()

    def _keep(self, items: list[Item]) -> None:
        batch: list[_Texts] = []
        count = size = 0
        for number, (received_ns, elapsed_ns, kind, data, places) in enumerate(items, 1):
            if kind == SPLIT:
                self._is_split_wanted = True
            else:
                batch.append((received_ns, elapsed_ns, kind, [data[place] for place in places]))
            count += len(places)
            size += len(data)
            if count < _SLICE and number < len(items) and not self._is_split_wanted:
                continue
            is_written = self._write([row for texts in batch for row in _as_text(texts)])
            self.done_bytes += size
            self._count(batch, count, is_written=is_written)
            if self._is_split_wanted or self._target.rotation.rows is not None:
                self._rotate()
            batch, count, size = [], 0, 0

    def _count(self, batch: list[_Texts], rows: int, *, is_written: bool) -> None:
        events = [texts for _, _, kind, texts in batch if kind == "event"]
        if not is_written:
            self._unsure_rows += rows
            self._unsure_events += sum(map(len, events))
            return
        self.kept_rows += rows
        self._part_events += sum(map(len, events))
        self._last_elapsed_ns = batch[-1][1] if batch else self._last_elapsed_ns
        for texts in events:
            self._stats.note(texts, with_channels=self._counts_channels)

    def _write(self, rows: list[_Texts]) -> bool:
        """Write rows, however long the disk refuses; False if it refuses while the recording ends."""
        attempt: Callable[[], None] = partial(self.journal.write_together, rows)
        while True:
            try:
                attempt()
            except OSError as error:
                self._refused(f"{self.journal.path}: {error.strerror}")
                if self._closing:
                    return False  # closing the journal tries once more and reports
                attempt = self.journal.flush
                time.sleep(_RETRY_S)  # a disk does not report free space; stopping waits at most this long
            else:
                if self._stats.trouble is not None:
                    self._stats.trouble = None
                    self._tell("The disk takes the recording again.")
                return True

    def _refused(self, trouble: str) -> None:
        if self._stats.trouble is None and time.monotonic() - self._said_at > _SAY_AGAIN_S:
            self._said_at = time.monotonic()
            self._tell(f"THE DISK REFUSES: {trouble}. Frames wait in memory meanwhile.")
        self._stats.trouble = trouble

    def _tell(self, text: str) -> None:
        with suppress(Exception):  # a failed message must not stop the recording
            self._say(text)

    def _look(self) -> None:
        """Keep what the journal holds if it was deleted, renamed or cut."""
        self._look_at = time.monotonic() + _LOOK_S
        try:
            if is_cut(self.journal):
                self._begin_again()
            elif (message := rescue(self.journal)) is not None:
                self.part = self.journal.path.with_suffix("")
                self._tell(f"THE JOURNAL {message}")
            self._journal_trouble = None
        except OSError as error:
            if self._journal_trouble is None:
                self._tell(f"THE JOURNAL {self.journal.path} was deleted or cut, and can't be kept: {error.strerror}.")
            self._journal_trouble = error.strerror

    def _begin_again(self) -> None:
        """Begin a new journal: another program has cut the old one, which is kept under another name."""
        old, lost = self.journal, self._part_events
        journal = old.path.rename(old.path.with_name(f"{old.path.name}.{time.time_ns()}.damaged"))
        self.journal = JournalWriter(old.path, self._started_ns, self._source, self.kept_rows)
        with suppress(OSError):
            old.close()
        self.cut_events += lost
        self._stats.lost_count += lost
        self._stats.events -= lost
        self._stats.gap_count += 1
        self._part_rows, self._part_events = self.kept_rows, 0
        gap = own_text("connection", "gap", reason="another program cut the journal", lost_count=lost)
        self._write([(self._wall(), self._last_elapsed_ns, "connection", [gap.encode()])])
        self.kept_rows += 1
        self._tell(f"THE JOURNAL {old.path} was cut by another program: {lost:,} events are LOST; see {journal}.")

    def _rotate(self) -> None:
        """Begin a new part if it is due, and seal the old one. A part without rows goes on."""
        if self._closing and self._stats.trouble is not None:
            return  # rows may wait in the old journal: closing that one tries once more to write them
        rows = self.kept_rows - self._part_rows
        age_s = time.monotonic() - self._part_since
        is_wanted = self._is_split_wanted and isinstance(self._target, Folder)
        if not rows or not (is_wanted or self._target.rotation.is_full(age_s, self.journal.size, rows)):
            self._is_split_wanted = False
            return
        if self._rotation_trouble is not None and time.monotonic() < self._rotate_at:
            return
        self._look()  # a journal that was just deleted is only in the open file, which is closed now
        if self._journal_trouble is not None:
            return
        self._stats.parts += 1
        try:
            part, journal = self._open_part()
        except Exception as error:  # whatever it is, the part that is open can take more
            self._stats.parts -= 1
            self._not_rotated(getattr(error, "strerror", None) or str(error) or type(error).__name__)
            return
        if self._rotation_trouble is not None:
            self._rotation_trouble = None
            self._tell("New parts can be begun again.")
        old_part, old_journal = self.part, self.journal
        self.part, self.journal = part, journal
        self._part_rows, self._part_since, self._is_split_wanted = self.kept_rows, time.monotonic(), False
        self._part_events = 0
        with suppress(OSError):  # all rows are in it; only the mark of its end is missing
            old_journal.close()
        self.sealer.add(old_part)

    def _not_rotated(self, why: str) -> None:
        if self._rotation_trouble is None:
            self._tell(f"NO NEW PART can be begun: {why}. The recording goes on in {self.journal.path}.")
        self._rotation_trouble = why
        self._rotate_at = time.monotonic() + _LOOK_S


def _as_text(row: _Texts) -> Iterator[_Texts]:
    """Return the rows in the form of the journal: data that is not text becomes base64."""
    received_ns, elapsed_ns, kind, texts = row
    if all(map(bytes.isascii, texts)) or all(map(_is_text, texts)):
        yield row
        return
    for data in texts:
        if _is_text(data):
            yield received_ns, elapsed_ns, kind, [data]
        else:
            yield received_ns, elapsed_ns, "binary", [binary_text(data).encode()]


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
