"""The recorder: accepts frames without waiting, and writes them in its own thread.

The reader of a socket only notes the time and appends to a queue. Threads decode, compress, write and sync, about
10 ms later. While the disk refuses, frames wait in memory. Frames beyond `max_pending_bytes` are dropped, counted,
and recorded as a gap.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from arirecord.errors import ArirecordError
from arirecord.session.header import Header
from arirecord.session.journal import journal_path
from arirecord.session.rows import own_text
from arirecord.session.seal import Progress, no_progress, seal

from .part_writer import SPLIT, PartWriter
from .rotation import Folder, SingleFile, Target
from .stats import Stats

__all__ = ["Recorder"]

_BEHIND_BYTES = 1 << 24

_FULL = "the disk did not keep up and memory was full"

_ALL = (slice(None),)


class Recorder:
    """Records into `target` through journals.

    `frame`, `frames`, `connection`, `rest` and `mark` may be called from one thread at a time and return at once.
    `source` goes into the header: no credentials. `sync_interval_s` is the interval of syncs to the disk (None:
    only at the end). `counts_channels`: compute `stats.channels_up`, which reads every frame. `say`
    gets a message, in the recorder's threads, when the disk refuses, when a part can't be begun or sealed, and when
    that is over. `on_failure` is called in the writing thread when it ends because of an error. `last_ns` is the
    arrival of the latest frame, wall clock.

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
        on_failure: Callable[[], object] = lambda: None,
        clocks: tuple[Callable[[], int], Callable[[], int]] = (time.time_ns, time.monotonic_ns),
    ) -> None:
        self.target = SingleFile(target) if isinstance(target, Path) else target
        self.target.open()
        self.stats = Stats()
        self.last_ns = 0
        self._source = source
        self._wall, self._monotonic = clocks
        self._started_ns = self._wall()
        self._zero = self._monotonic()
        self._ended = "complete"
        self._max_pending_bytes = max_pending_bytes
        self._taken_bytes = 0  # grows in the caller's thread, `done_bytes` in the writer's: no lock is needed
        self._taken_events = 0
        self._overflow = 0
        self._writer = PartWriter(
            self.target,
            source,
            self._started_ns,
            self._wall,
            self.stats,
            say,
            on_failure,
            counts_channels=counts_channels,
        )
        self._closed = threading.Event()
        self._syncing: threading.Thread | None = None
        if sync_interval_s is not None:
            self._syncing = threading.Thread(
                target=self._sync, args=[sync_interval_s], name="arirecord-sync", daemon=True
            )
            self._syncing.start()

    @property
    def part(self) -> Path:
        """The session that the current journal becomes."""
        return self._writer.part

    @property
    def kept_rows(self) -> int:
        """The number of rows in journals."""
        return self._writer.kept_rows

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the writing thread: from then on nothing is recorded, and all frames count as lost."""
        return self._writer.failure

    @property
    def _pending_bytes(self) -> int:
        return self._taken_bytes - self._writer.done_bytes

    @property
    def is_behind(self) -> bool:
        """True if the write backlog is large; the reader should apply back-pressure."""
        return self._pending_bytes > _BEHIND_BYTES

    def frame(self, data: bytes) -> None:
        """Record one WebSocket message."""
        self.frames(data, _ALL)

    def frames(self, data: bytes, places: Sequence[slice]) -> None:
        """Record the WebSocket messages at these positions of the data; all have the time of this call."""
        if self._is_refused(len(places)):
            return
        if self._overflow:
            lost, self._overflow = self._overflow, 0
            self.connection("gap", reason=_FULL, lost_count=lost)
        self.last_ns = self._take("event", data, places)
        self._taken_events += len(places)

    def connection(self, event: str, **fields: Any) -> None:
        """Record a change of the connection: `opened`, `closed`, `gap`; `fields` as in `OWN_COLUMNS`."""
        if event == "gap":
            self.stats.gap_count += 1
        self._take("connection", own_text("connection", event, **fields).encode())

    def rest(self, method: str, **fields: Any) -> None:
        """Record one REST exchange; `fields` as in `OWN_COLUMNS`. The caller must leave out credentials."""
        if not self._is_refused(1):
            self._take("rest", own_text("rest", method, method=method, **fields).encode())

    def mark(self, text: str, by: str | None = None) -> None:
        """Record a person's note."""
        self._take("mark", own_text("mark", "mark", text=text, by=by).encode())

    def split(self) -> None:
        """Begin a new part, if the target has parts: it holds the rows after this call."""
        self._take(SPLIT, b"", ())

    def _is_refused(self, count: int) -> bool:
        """Whether `count` rows can't be taken; they are counted as lost then."""
        if self._writer.failure is None and self._pending_bytes <= self._max_pending_bytes:
            return False
        self._overflow += count
        self.stats.lost_count += count
        return True

    def _take(self, kind: str, data: bytes, places: Sequence[slice] = _ALL) -> int:
        received_ns = self._wall()
        self._writer.add((received_ns, self._monotonic() - self._zero, kind, data, places))
        self._taken_bytes += len(data)
        return received_ns

    def _sync(self, interval_s: float) -> None:
        """Runs in its own thread: a sync can take long, and writing must go on."""
        while not self._closed.wait(interval_s):
            with suppress(OSError):
                self._writer.journal.sync()

    def close(self, ended: str = "complete") -> None:
        """Stop recording; return when all rows are in the journal. Raises `OSError` if the disk refused until the end:
        then rows are missing in the journal, and `stats.lost_count` counts the events among them.
        """
        if self._overflow:
            self.connection("gap", reason=_FULL, lost_count=self._overflow)
        try:
            self._writer.close()
        finally:
            self._ended = ended if self.failure is None else f"the recorder failed ({self.failure!r})"
            kept = self.stats.events + self._writer.cut_events
            self.stats.lost_count += self._taken_events - kept
            self._taken_events = kept
            self._closed.set()
            if self._syncing is not None:
                self._syncing.join()
            self.target.close()

    @property
    def output(self) -> Path:
        """The folder of the parts, or the file: it is where its journal is, which may have been moved."""
        return self.target.path if isinstance(self.target, Folder) else self.part

    def seal(
        self, progress: Progress = no_progress, waiting: Callable[[int], None] = lambda parts: None
    ) -> tuple[Header, list[str]]:
        """Make the (last) session. Call after `close`; of a single file, raises as `arirecord.session.seal.seal` does.

        Returns its header, and a message for each part that could not be sealed. `waiting` is called with the
        number of earlier parts that are still being sealed.
        """
        header, problems = Header(self._started_ns, self._source, ended=self._ended), []
        try:
            if self._writer.is_part_empty:
                journal_path(self.part).unlink()  # no rows after the last split
            else:
                seal(journal_path(self.part), self.part, header=header, force=self.target.force, progress=progress)
                if isinstance(self.target, Folder) and self.target.lake is not None:
                    self._writer.sealer.add(self.part)
        except (ArirecordError, OSError) as error:
            if not isinstance(self.target, Folder):
                raise
            problems = [f"{self.part} was not sealed: {error}; its events are in {journal_path(self.part)}"]
        return header, [*self._writer.sealer.finish(waiting), *problems]
