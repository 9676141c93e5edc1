"""The recorder: accepts frames without waiting, and writes them in its own thread.

The reader of a socket only notes the time and appends to a queue. Threads decode, compress, write and sync, about
`BATCH_S` later. While the disk refuses, frames wait in memory. Frames beyond `max_pending_bytes` are dropped, counted,
and recorded as a gap.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from arirecord.session.header import Header
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.rows import binary_text, own_text
from arirecord.session.seal import Progress, no_progress, seal

from .rotation import Folder, Sealer, SingleFile, Target
from .stats import Stats

__all__ = ["Recorder"]

BATCH_S = 0.01
"""Time that frames wait for others: each batch costs a wake-up, a flush and a write."""

_RETRY_S = 0.25
_LOOK_S = 1.0
"""Interval at which an idle recorder checks the age of its part."""

_SLICE = 256
"""About this number of rows is written together: few enough to reuse their memory."""

_SAY_AGAIN_S = 10.0
"""Minimum interval between messages about a disk that is full again and again."""

_BEHIND_BYTES = 1 << 24

_FULL = "the disk did not keep up and memory was full"

_ALL = (slice(None),)

_SPLIT = "split"
"""Kind of an item that is not a row: rows queued after it go into a new part."""

_Item = tuple[int, int, str, bytes, Sequence[slice]]
"""The data of one read: `received_ns`, `elapsed_ns`, kind, and the positions of the texts in it. The writing thread
cuts them out, not the reader: memory that one thread allocates and another frees is slow.
"""

_Texts = tuple[int, int, str, Sequence[bytes]]


class Recorder:
    """Records into `target` through journals.

    `frame`, `frames`, `connection`, `rest` and `mark` may be called from one thread at a time and return at once.
    `source` goes into the header: no credentials. `sync_interval_s` is the interval of syncs to the disk (None:
    only at the end). `counts_channels`: compute `stats.channels_up`, which reads every frame. `say`
    gets a message, in the recorder's thread, when the disk refuses and when it accepts data again.
    `last_ns` is the arrival of the latest frame, wall clock; `kept_rows` the number of rows in journals.

    Raises `TargetExists` and `OSError` when made.
    """

    def __init__(
        self,
        target: Target | Path,
        source: Mapping[str, Any],
        *,
        sync_interval_s: float | None = 1.0,
        max_pending_bytes: int = 1 << 30,
        counts_channels: bool = True,
        say: Callable[[str], None] = lambda text: None,
        clocks: tuple[Callable[[], int], Callable[[], int]] = (time.time_ns, time.monotonic_ns),
    ) -> None:
        self.target = SingleFile(target) if isinstance(target, Path) else target
        self.target.open()
        self.stats = Stats()
        self.last_ns = 0
        self._source = source
        self._say = say
        self._said_at = -_SAY_AGAIN_S
        self._wall, self._monotonic = clocks
        self._started_ns = self._wall()
        self._zero = self._monotonic()
        self._part_rows = self.kept_rows = 0
        self._part_since = time.monotonic()
        self.part, self._journal = self._open_part()
        self._sealer = Sealer()
        self._ended = "complete"
        self._max_pending_bytes = max_pending_bytes
        self._counts_channels = counts_channels
        self._pending: deque[_Item] = deque()
        self._taken_bytes = 0  # grows in the caller's thread …
        self._kept_bytes = 0  # … and this one in the recorder's: the backlog is their difference, without a lock
        self._overflow = 0
        self._wake = threading.Event()
        self._idle = True
        self._is_split_wanted = self._closing = False
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._run, name="arirecord-journal", daemon=True)]
        if sync_interval_s is not None:
            self._threads.append(
                threading.Thread(target=self._sync, args=[sync_interval_s], name="arirecord-sync", daemon=True)
            )
        for thread in self._threads:
            thread.start()

    @property
    def _pending_bytes(self) -> int:
        return self._taken_bytes - self._kept_bytes

    @property
    def is_behind(self) -> bool:
        """True if the write backlog is large; the reader should apply back-pressure."""
        return self._pending_bytes > _BEHIND_BYTES

    def frame(self, data: bytes) -> None:
        """Record one WebSocket message."""
        self.frames(data, _ALL)

    def frames(self, data: bytes, places: Sequence[slice]) -> None:
        """Record the WebSocket messages at these positions of the data; all have the time of this call."""
        if self._pending_bytes > self._max_pending_bytes:
            self._drop(len(places))
            return
        if self._overflow:
            lost, self._overflow = self._overflow, 0
            self.connection("gap", reason=_FULL, lost_count=lost)
        self.last_ns = self._take("event", data, places)
        self.stats.events += len(places)

    def connection(self, what: str, **fields: Any) -> None:
        """Record a change of the connection: `opened`, `closed`, `gap`; `fields` as in `OWN_COLUMNS`."""
        if what == "gap":
            self.stats.gap_count += 1
        self._take("connection", own_text("connection", what, **fields).encode())

    def rest(self, method: str, **fields: Any) -> None:
        """Record one REST exchange; `fields` as in `OWN_COLUMNS`. The caller must leave out credentials."""
        if self._pending_bytes > self._max_pending_bytes:
            self._drop(1)
            return
        self._take("rest", own_text("rest", method, method=method, **fields).encode())

    def mark(self, text: str, by: str | None = None) -> None:
        """Record a person's note."""
        self._take("mark", own_text("mark", "mark", text=text, by=by).encode())

    def split(self) -> None:
        """Begin a new part, if the target has parts: it holds the rows after this call."""
        self._take(_SPLIT, b"", ())

    def _drop(self, count: int) -> None:
        self._overflow += count
        self.stats.lost_count += count

    def _take(self, kind: str, data: bytes, places: Sequence[slice] = _ALL) -> int:
        received_ns = self._wall()
        self._pending.append((received_ns, self._monotonic() - self._zero, kind, data, places))
        self._taken_bytes += len(data)
        if self._idle:
            self._idle = False
            self._wake.set()
        return received_ns

    def close(self, ended: str = "complete") -> None:
        """Stop recording; return when all rows are in the journal. Raises `OSError` if the disk refused until the end:
        then rows are missing in the journal.
        """
        self._ended = ended
        if self._overflow:
            self.connection("gap", reason=_FULL, lost_count=self._overflow)
        self._closing = True
        self._wake.set()
        self._closed.set()
        for thread in self._threads:
            thread.join()
        try:
            self._journal.close()
        finally:
            self.target.close()

    def seal(
        self, progress: Progress = no_progress, waiting: Callable[[int], None] = lambda parts: None
    ) -> tuple[Header, list[str]]:
        """Make the (last) session. Call after `close`; raises as `arirecord.session.seal.seal` does.

        Returns its header, and a message for each earlier part that could not be sealed. `waiting` is called with the
        number of earlier parts that are still being sealed.
        """
        header = Header(self._started_ns, self._source, ended=self._ended)
        if self.stats.parts > 1 and self.kept_rows == self._part_rows:
            journal_path(self.part).unlink()  # no rows after the last split
        else:
            seal(journal_path(self.part), self.part, header=header, force=self.target.force, progress=progress)
        return header, self._sealer.finish(waiting)

    def _open_part(self) -> tuple[Path, JournalWriter]:
        part = self.target.part(self.stats.parts - 1, self._wall())
        return part, JournalWriter(journal_path(part), self._started_ns, self._source, self.kept_rows)

    def _run(self) -> None:
        is_busy = False
        while not (self._closing and not self._pending):
            if not is_busy:
                self._wait()
            if not self._closing:
                time.sleep(BATCH_S)  # collect a batch: one write and one flush for many frames
            items = [self._pending.popleft() for _ in range(len(self._pending))]
            is_busy = len(items) > 1  # under load no one needs to wake this thread
            self._keep(items)
            if not self._closing:
                self._rotate()

    def _wait(self) -> None:
        self._idle = True
        if not self._pending:
            self._wake.wait(_LOOK_S)
        self._idle = False
        self._wake.clear()

    def _sync(self, interval_s: float) -> None:
        """Runs in its own thread: a sync can take long, and writing must go on."""
        while not self._closed.wait(interval_s):
            with suppress(OSError):
                self._journal.sync()

    def _keep(self, items: list[_Item]) -> None:
        batch: list[_Texts] = []
        count = size = 0
        for number, (received_ns, elapsed_ns, kind, data, places) in enumerate(items, 1):
            if kind == _SPLIT:
                self._is_split_wanted = True
            else:
                batch.append((received_ns, elapsed_ns, kind, [data[place] for place in places]))
            count += len(places)
            size += len(data)
            if count < _SLICE and number < len(items) and not self._is_split_wanted:
                continue
            self._write([row for texts in batch for row in _as_text(texts)])
            self._kept_bytes += size
            self.kept_rows += count
            for _, _, kind, texts in batch:
                if kind == "event":
                    self.stats.note(texts, with_channels=self._counts_channels)
            if self._is_split_wanted or self.target.rotation.rows is not None:
                self._rotate()
            batch, count, size = [], 0, 0

    def _write(self, rows: list[_Texts]) -> None:
        attempt: Callable[[], None] = partial(self._journal.write_together, rows)
        while True:
            try:
                attempt()
            except OSError as error:
                self._refused(f"{self._journal.path}: {error.strerror}")
                if self._closing:
                    return  # closing the journal tries once more and reports
                attempt = self._journal.flush
                time.sleep(_RETRY_S)  # a disk does not report free space
            else:
                if self.stats.trouble is not None:
                    self.stats.trouble = None
                    self._tell("The disk takes the recording again.")
                return

    def _refused(self, trouble: str) -> None:
        if self.stats.trouble is None and time.monotonic() - self._said_at > _SAY_AGAIN_S:
            self._said_at = time.monotonic()
            self._tell(f"THE DISK REFUSES: {trouble}. Frames wait in memory meanwhile.")
        self.stats.trouble = trouble

    def _tell(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a failed message must not stop the recording
            self._say(text)

    def _rotate(self) -> None:
        """Begin a new part if it is due, and seal the old one. A part without rows goes on."""
        if self._closing and self.stats.trouble is not None:
            return  # rows may wait in the old journal: closing that one tries once more to write them
        rows = self.kept_rows - self._part_rows
        age_s = time.monotonic() - self._part_since
        is_wanted = self._is_split_wanted and isinstance(self.target, Folder)
        if not rows or not (is_wanted or self.target.rotation.is_full(age_s, self._journal.size, rows)):
            self._is_split_wanted = False
            return
        self.stats.parts += 1
        try:
            part, journal = self._open_part()
        except OSError as error:
            self.stats.parts -= 1
            self.stats.trouble = f"no new part could be begun ({error.strerror}); the old one goes on"
            return
        old_part, old_journal = self.part, self._journal
        self.part, self._journal = part, journal
        self._part_rows, self._part_since, self._is_split_wanted = self.kept_rows, time.monotonic(), False
        with suppress(OSError):  # all rows are in it; only the mark of its end is missing
            old_journal.close()
        self._sealer.seal(old_part)


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
