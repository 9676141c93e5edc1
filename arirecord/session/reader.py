"""Reading a session: one Parquet file, or a folder of them."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from arirecord.errors import NotASession

# Modules that read rows are imported on use: most queries go to DuckDB, and pyarrow.compute alone takes 50 ms.
from .folder_files import common_folder, is_lake, is_part_of_lake, matching_paths, readable_files, without_copies
from .header import Header
from .header_sums import add_up
from .object_store import ObjectPath, file_system
from .part_index import known_part
from .parts import Part, in_order_of_time, open_part
from .recorded_time import Extent, Gap, RecordedTime, gaps_between, measure, read_gaps, union
from .servers import Server, find_servers

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Frame", "RowBatch", "SessionFile", "SpanFile", "open_session"]

# Converting columns to Python objects blocks all other threads; a replay needs short blocks.
_PIECE = 512
_Choice = Callable[
    [Sequence[Path]], Sequence[Path]
]  # returns the files that matter, of those of a recording that ended


class Frame(NamedTuple):
    """One row of a session as read back.

    `t_ns` is when it was received, nanoseconds since 1970 UTC, on the recording's monotonic clock; `elapsed_ns` the
    same from the start of the recording. `type` and `application` can be None. `raw` is the frame, verbatim.
    """

    seq: int
    t_ns: int
    elapsed_ns: int
    kind: str
    type: str | None
    application: str | None
    raw: str


_frame = partial(tuple.__new__, Frame)  # twice as fast as the class itself


class RowBatch(NamedTuple):
    """Some rows of a recording that started at `started_ns`, since 1970 UTC, as read: no Python objects yet."""

    started_ns: int
    batch: pa.RecordBatch

    def frames(self, begin: int = 0, count: int | None = None) -> Iterator[Frame]:
        """The frames of some of these rows, in order."""
        rows = self.batch.slice(begin, count)
        names = ("seq", "elapsed_ns", "kind", "type", "application", "raw")
        seq, elapsed, *texts = (rows[name].to_pylist() for name in names)
        return map(_frame, zip(seq, [self.started_ns + ns for ns in elapsed], elapsed, *texts, strict=True))


class SpanFile(NamedTuple):
    """A file of OpenTelemetry traces beside a session: tables of voice agents read the bot's stages from it.

    attribute: the attribute with the id of the channel; None: any whose text is the id of a channel.
    """

    path: Path
    attribute: str | None = None


def open_session(path: str | Path | Sequence[str | Path]) -> "SessionFile":
    """Open a session for reading: a Parquet file, a folder of them, or a lake. A running recording is read up to now.

    path: a path, a pattern such as `days/*.parquet`, or several of them, which are read as one session.

    Raises `NotASession` with the file and the fault, and `FileNotFoundError`.
    """
    return SessionFile(path)


class SessionFile:
    """A recording. Made by `open_session`; read-only; holds no file open.

    `opened_ns` is when it was opened, nanoseconds since 1970 UTC.
    `inputs` are the files and folders that it was opened with, `path` the only one, or the folder in which all are.
    `remarks` are sentences on journals that are not read, or are read up to now. `is_running` is True if journals of a
    running recording are read up to now: these parts are temporary files. `span_file` is read for tables.
    `pruned_from` is the lake of which these are some parts; `whole_span` its begin and end, nanoseconds since 1970 UTC,
    if a time was counted from there. `lost` are sentences on parts of a lake that are left out: they cannot be read.
    """

    span_file: SpanFile | None = None
    pruned_from: Path | None = None
    whole_span: tuple[int, int] | None = None

    def __init__(self, path: str | Path | Sequence[str | Path], choose: _Choice | None = None) -> None:
        self.opened_ns = time.time_ns()
        self.inputs = matching_paths([path] if isinstance(path, str | Path) else path)
        self.path = self.inputs[0] if len(self.inputs) == 1 else common_folder(self.inputs)
        before: list[Path] = []
        while True:
            readable = [readable_files(given) for given in self.inputs]
            self.remarks = [files.remark for files in readable if files.remark]
            self.is_running = any(files.is_running for files in readable)
            paths = without_copies(path for files in readable for path in files.sessions)
            try:
                self.lost: list[str] = []
                chosen = choose(paths) if choose is not None and not self.is_running else paths
                self.parts: Sequence[Part] = in_order_of_time(self._open_parts(chosen))
                break
            except FileNotFoundError:  # a file can be merged with others, or put into a lake, after it was listed
                if paths == before or not (self.is_running or any(map(is_lake, self.inputs))):
                    raise
                before = paths

    def _open_parts(self, paths: Sequence[Path]) -> Iterator[Part]:
        for path in paths:
            try:
                yield known_part(path) or open_part(path)
            except NotASession as error:
                if not is_part_of_lake(path) or len(self.lost) == len(paths) - 1:
                    raise
                self.lost.append(f"{error}. The part is left out.")

    def __repr__(self) -> str:
        return f"<Session {self.path}: {self.header.events} events>"

    @property
    def paths(self) -> list[Path]:
        """The Parquet files, in order."""
        return [part.path for part in self.parts]

    @cached_property
    def header(self) -> Header:
        """The header; of a folder: the parts' headers, added up."""
        headers = [part.header for part in self.parts]
        return headers[0] if len(headers) == 1 else add_up(headers, list(gaps_between(self._extents)))

    @cached_property
    def recorded_time(self) -> RecordedTime:
        """The recorded time: without gaps, and without the time between two recordings of a folder."""
        recorded = measure(self._extents, self._reported_gaps)
        if not any(gap.server for gap in recorded.gaps):
            return recorded
        spans = (span for server in self.servers for span in self.recorded_time_of(server).spans)
        return RecordedTime(union(spans), recorded.gaps)

    def recorded_time_of(self, server: Server) -> RecordedTime:
        """Return the recorded time of one of the servers."""
        gaps = (gap for gap in self._reported_gaps if gap.part in server.parts and gap.server in (None, server.name))
        return measure(self._extents_of(server.parts), gaps)

    @cached_property
    def servers(self) -> Sequence[Server]:
        """The Asterisk servers whose events the session has."""
        return find_servers(part.header for part in self.parts)

    @cached_property
    def seq_shifts(self) -> Sequence[int]:
        """Return for each part the offset of its `seq`, so that it continues the part before.

        A gap before the part, of the session or of one server, takes one number.
        """
        of_parts = [range(len(self.parts)), *(server.parts for server in self.servers)]
        gap_parts = {gap.part for parts in of_parts for gap in gaps_between(self._extents_of(parts))}
        shifts, next_seq = [], 0
        for number, extent in enumerate(self._extents):
            next_seq += number in gap_parts
            shifts.append(max(next_seq - extent.first_seq, 0) if extent else 0)
            next_seq = extent.last_seq + shifts[-1] + 1 if extent else next_seq
        return shifts

    def _extents_of(self, parts: Collection[int]) -> Sequence[Extent | None]:
        numbers = set(parts)
        return [part.extent if number in numbers else None for number, part in enumerate(self.parts)]

    @property
    def _extents(self) -> Sequence[Extent | None]:
        return [part.extent for part in self.parts]

    @cached_property
    def _reported_gaps(self) -> Sequence[Gap]:
        gaps: list[Gap] = []
        ends: dict[int, int] = {}
        for number, part in enumerate(self.parts):
            if part.extent is not None:
                started_ns = part.extent.started_ns
                if part.header.gap_count:
                    gaps += read_gaps(part.path, part.extent, number, ends.get(started_ns))
                ends[started_ns] = part.extent.end_ns
        return gaps

    def frames(
        self,
        *,
        kinds: Collection[str] | None = ("event",),
        types: Collection[str] | None = None,
        channel: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> Iterator[Frame]:
        """Rows in order, as `Frame`; memory stays bounded.

        `kinds` and `types` keep only these (None: all). `channel` keeps events that name a channel by this id or
        name, or play to or record from it. `since_ns` (inclusive) and `until_ns` (exclusive) are nanoseconds since
        1970 UTC; row groups outside are not read.
        """
        for rows in self.rows(kinds=kinds, types=types, channel=channel, since_ns=since_ns, until_ns=until_ns):
            for begin in range(0, rows.batch.num_rows, _PIECE):
                yield from rows.frames(begin, _PIECE)

    def rows(
        self,
        *,
        kinds: Collection[str] | None = ("event",),
        types: Collection[str] | None = None,
        channel: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> Iterator[RowBatch]:
        """Yield the rows of `frames` in batches of some thousand, never empty; the caller makes the frames later."""
        from .row_filter import picked
        from .stored_rows import opened

        for part in self.parts:
            started_ns = part.header.started_ns
            with opened(part.path) as file:
                for batch in picked(
                    file,
                    started_ns,
                    kinds=kinds,
                    types=types,
                    channel=channel,
                    since_ns=since_ns,
                    until_ns=until_ns,
                ):
                    yield RowBatch(started_ns, batch)

    def channel_count(self) -> int:
        """Return the number of distinct channels in its events.

        Reads all rows of sessions with several files, and of sessions of earlier versions.
        """
        if len(self.parts) == 1 and (known := self.header.channel_count) is not None:
            return known
        from .header_stats import ChannelCount
        from .stored_rows import grouped_batches, opened

        count = ChannelCount()
        for part in self.parts:
            names = [name for name in count.columns if name in part.schema.names]
            with opened(part.path) as file:
                for batch in grouped_batches(file, 1 << 16, names):
                    count.add(batch)
        return count.result()

    def events(self) -> "pl.LazyFrame":
        """All events in order as a polars LazyFrame: a row an event, columns as in the file.

        Of a compact session `raw` is null where `raw_template` is not; `frames` gives the text.
        """
        import polars as pl

        from .stored_rows import is_compact

        scans = [(part, _scan(part.path)) for part in self.parts]
        frames = [scan.sort("seq") if is_compact(part.schema) else scan for part, scan in scans]
        return pl.concat(frames, how="diagonal").filter(pl.col("kind") == "event")


def _scan(path: Path) -> "pl.LazyFrame":
    import polars as pl

    if not isinstance(path, ObjectPath):
        return pl.scan_parquet(path.absolute(), glob=False, hive_partitioning=False)
    from pyarrow.dataset import dataset

    # polars would take credentials from other places.
    return pl.scan_pyarrow_dataset(dataset(path.key, filesystem=file_system(), format="parquet"))
