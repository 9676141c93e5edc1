"""Slices: the rows of a session's file that belong to one server and one day of a lake."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.session.digest import PROVED, RowDigest
from arirecord.session.parquet import column_bounds
from arirecord.session.parts import Part
from arirecord.session.servers import find_servers
from arirecord.session.stored_rows import opened, stored_batches

__all__ = ["Slice", "find_slices", "slice_batches", "slice_digest"]

_BATCH = 8192
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_TOLERANCE_US = 3_600_000_000
"""A row is in the day of the row before, if it was received this much before that day at most: a clock that is set
back a little at midnight, or rows that are not in order of receipt, must not cut a day into pieces.
"""


@dataclass(frozen=True)
class Slice:
    """Consecutive rows of a file, of one server and one day.

    server: its `asterisk_id`, None if the events have none.
    first_row, end_row: the rows from the first one to before the other, in the order of `seq`.
    is_shared: the rows have events of other servers, too. Rows other than events belong to all servers.
    is_whole: these are all rows of the file.
    seq_range: the `seq` of the first and the last of the rows, of all servers.
    """

    server: str | None
    day: date
    first_row: int
    end_row: int
    is_shared: bool
    is_whole: bool
    seq_range: tuple[int, int]


def find_slices(part: Part) -> Sequence[Slice]:
    """Return the slices of a file, in order, for each server in it; none if it has no rows."""
    if part.extent is None:
        return []
    servers = find_servers([part.header])
    days = list(_days(part))
    ends = [(first, seq) for first, seq, _ in days[1:]] + [(part.header.rows, part.extent.last_seq + 1)]
    is_whole = len(servers) == 1 and len(days) == 1
    return [
        Slice(server.name, day, first, end, len(servers) > 1, is_whole, (seq, end_seq - 1))
        for server in servers
        for (first, seq, day), (end, end_seq) in zip(days, ends, strict=True)
    ]


def slice_batches(file: pq.ParquetFile, rows: Slice, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a slice in the order of `seq`, with the exact text in `raw`, never empty."""
    read = dict.fromkeys([*columns, "kind", "asterisk_id"]) if rows.is_shared else columns
    at = 0
    for group in range(file.num_row_groups):
        end = at + file.metadata.row_group(group).num_rows
        if at >= rows.end_row or end <= rows.first_row:
            at = end
            continue
        for batch in stored_batches(file, _BATCH, list(read), [group]):
            low, high = max(rows.first_row - at, 0), min(rows.end_row - at, batch.num_rows)
            at += batch.num_rows
            if low < high:
                some = batch.slice(low, high - low)
                some = some.filter(_is_own(some, rows.server)).select(columns) if rows.is_shared else some
                if some.num_rows:
                    yield some


def slice_digest(part: Part, rows: Slice) -> tuple[RowDigest, str]:
    """Return the digest of a slice's rows, and that of its content: rows, server, and start of the recording."""
    digest = RowDigest()
    with opened(part.path) as file:
        for batch in slice_batches(file, rows, PROVED):
            digest.add(batch)
    content = f"{rows.server!r} {part.header.started_ns} {digest.hexdigest()}"
    return digest, hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _is_own(batch: pa.RecordBatch, server: str | None) -> pa.Array:
    is_of_server = pc.equal(pc.fill_null(batch["asterisk_id"], ""), server or "")
    return pc.or_(is_of_server, pc.not_equal(batch["kind"], "event"))


def _days(part: Part) -> Iterator[tuple[int, int, date]]:
    """Yield the number and the `seq` of the first row of each day, by the time of receipt, with the day."""
    day_us, at = None, 0
    with opened(part.path) as file:
        bounds = {group: list(map(_us, times)) for group, *times in column_bounds(file.metadata, "received_at")}
        for group in range(file.num_row_groups):
            if day_us is not None and all(_is_in(day_us, time_us) for time_us in bounds.get(group, [None])):
                at += file.metadata.row_group(group).num_rows
                continue
            for batch in stored_batches(file, 1 << 16, ["received_at", "seq"], [group]):
                while batch.num_rows:
                    times = batch["received_at"].cast(pa.int64())
                    if day_us is None or not _is_in(day_us, times[0].as_py()):
                        day_us = times[0].as_py() // _DAY_US * _DAY_US
                        yield at, batch["seq"][0].as_py(), (_EPOCH + timedelta(microseconds=day_us)).date()
                    begin_us, end_us = day_us - _TOLERANCE_US, day_us + _DAY_US
                    is_out = pc.or_(pc.less(times, begin_us), pc.greater_equal(times, end_us))
                    cut = pc.index(is_out, True).as_py()
                    cut = cut if cut >= 0 else len(times)
                    at += cut
                    batch = batch.slice(cut)


def _is_in(day_us: int, time_us: int | None) -> bool:
    return time_us is not None and day_us - _TOLERANCE_US <= time_us < day_us + _DAY_US


def _us(time: datetime) -> int:
    return (time.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
