"""Where rows are in a recording, and when it begins and ends."""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.select.times import Place, Recorded

from .reader import Part, Session
from .stored import opened

__all__ = ["find_places", "recorded", "rows_before"]


def recorded(session: Session, zone: tzinfo = UTC) -> Recorded:
    """What is needed to find times in a session; times without an offset are in `zone`."""
    begins = [part.header.started_ns + part.header.first_elapsed_ns for part in session.parts]
    ends = [begin + part.header.duration_ns for begin, part in zip(begins, session.parts, strict=True)]

    def place_of(seq: int) -> Place | None:
        return next(iter(find_places([seq], session)), None)

    return Recorded(min(begins), max(ends), zone, place_of)


def find_places(seqs: Sequence[int], session: Session) -> list[Place]:
    """Where rows are, in the order of the recording. Where a file of a folder counts anew, it goes on after the one
    before it. Rows that are not there are left out.
    """
    wanted, places, next_seq = pa.array(seqs, pa.int64()), [], 0
    for part in session.parts:
        with opened(part.path) as file:
            spans = list(_spans(file, "seq"))
            shift = max(next_seq - min((low for _, low, _ in spans), default=0), 0)
            next_seq = max((high for _, _, high in spans), default=-1) + shift + 1
            here = pc.subtract(wanted, shift)
            for number, low, high in spans:
                if not pc.any(pc.and_(pc.greater_equal(here, low), pc.less_equal(here, high))).as_py():
                    continue
                table = file.read_row_group(number, columns=["seq", "elapsed_ns"])
                rows = table.filter(pc.is_in(table["seq"], value_set=here)).to_pylist()
                places += [Place(part.header.started_ns + row["elapsed_ns"], row["seq"]) for row in rows]
    return places


def rows_before(session: Session, ns: int) -> int:
    """At most how many rows were received before a moment, known without reading them: groups count as a whole."""
    return sum(_rows_before(part, ns - part.header.started_ns) for part in session.parts)


def _rows_before(part: Part, elapsed_ns: int) -> int:
    with opened(part.path) as file:
        spans = _spans(file, "elapsed_ns")
        return sum(file.metadata.row_group(number).num_rows for number, low, _ in spans if low < elapsed_ns)


def _spans(file: pq.ParquetFile, column: str) -> Iterator[tuple[int, int, int]]:
    """The smallest and the largest value of a column in each row group, with the group's number."""
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        place = next(i for i in range(group.num_columns) if group.column(i).path_in_schema == column)
        known = group.column(place).statistics
        if known is not None and known.has_min_max:
            yield number, known.min, known.max
