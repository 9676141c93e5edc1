"""Positions of rows in a recording, and the recording's start and end."""

from collections.abc import Sequence
from datetime import UTC, tzinfo

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.select.times import Position, RecordingSpan

from .parquet import column_bounds
from .parts import Part
from .reader import SessionFile
from .stored_rows import opened

__all__ = ["find_places", "recording_span", "rows_before", "span_of"]


def recording_span(session: SessionFile, zone: tzinfo = UTC) -> RecordingSpan:
    """Return the data needed to find times in a session; times without an offset are in `zone`."""

    def place_of(seq: int) -> Position | None:
        return next(iter(find_places([seq], session)), None)

    return RecordingSpan(*session.whole_span or span_of(session.parts), zone, place_of)


def span_of(parts: Sequence[Part]) -> tuple[int, int]:
    """Return when the first and the last row of some files were received, nanoseconds since 1970 UTC."""
    begins = [part.header.started_ns + part.header.first_elapsed_ns for part in parts]
    return min(begins), max(begin + part.header.duration_ns for begin, part in zip(begins, parts, strict=True))


def find_places(seqs: Sequence[int], session: SessionFile) -> list[Position]:
    """Return the positions of rows, in the order of the recording.

    A file of a folder that starts at `seq` 0 again continues the numbers of the file before. Missing rows are left out.
    """
    seq_array, places = pa.array(seqs, pa.int64()), []
    for part, shift in zip(session.parts, session.seq_shifts, strict=True):
        with opened(part.path) as file:
            here = pc.subtract(seq_array, shift)
            for number, low, high in column_bounds(file.metadata, "seq"):
                if not pc.any(pc.and_(pc.greater_equal(here, low), pc.less_equal(here, high))).as_py():
                    continue
                table = file.read_row_group(number, columns=["seq", "elapsed_ns"])
                rows = table.filter(pc.is_in(table["seq"], value_set=here)).to_pylist()
                places += [Position(part.header.started_ns + row["elapsed_ns"], row["seq"]) for row in rows]
    return places


def rows_before(session: SessionFile, ns: int) -> int:
    """Return an upper bound of the rows received before a time, without reading them: by whole row groups."""
    return sum(_rows_before(part, ns - part.header.started_ns) for part in session.parts)


def _rows_before(part: Part, elapsed_ns: int) -> int:
    with opened(part.path) as file:
        bounds = column_bounds(file.metadata, "elapsed_ns")
        return sum(file.metadata.row_group(number).num_rows for number, low, _ in bounds if low < elapsed_ns)
