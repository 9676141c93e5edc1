"""Places in a recording, and the ways in which people write them."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.errors import ArirecordError
from arirecord.session.reader import Frame, Part, Session
from arirecord.session.stored import opened

__all__ = ["Place", "ReplayError", "find_place", "find_places", "rows_before"]

_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)")
_FORMS = "+5m or 00:05:00 (from the start), 14:03:10 or 2026-11-23T14:03:10 (UTC), or seq:1234"


class ReplayError(ArirecordError):
    """A recording can't be replayed: the address can't be listened on, the session can't be read on, or what is asked
    for is not in it.
    """


class Place(NamedTuple):
    """Before the frames that were received at `ns` (since 1970 UTC) or later; among those of the same instant before
    the one with this `seq`.
    """

    ns: int
    seq: int = -1

    def is_after(self, frame: Frame) -> bool:
        """Whether a frame comes before this place."""
        return (frame.t_ns, frame.seq) < self


def find_place(text: str, session: Session) -> Place:
    """The place that a person means.

    Forms: seconds, or a duration with `+` (`300`, `+5m`, `+1h30m`), or `00:05:00`, from the start of the recording;
    `14:03:10`, the time of day in UTC; a date and a time, UTC unless it has an offset; the `seq` of a row. What could
    be a time from the start and a time of day is the former if the recording is that long. Raises `ReplayError` for
    anything else, and for a time of day or a row that the recording has not.
    """
    text = text.strip()
    started_ns = session.header.started_ns
    if (row := re.fullmatch(r"seq:(\d{1,18})", text)) is not None:
        if not (places := find_places([int(row[1])], session)):
            raise ReplayError(f"there is no row with {text}; the recording has {session.header.rows:,} rows")
        return places[0]
    if (seconds := _seconds(text.removeprefix("+"))) is not None:
        return Place(started_ns + round(seconds * 1e9))
    if (clock := _CLOCK.fullmatch(text)) is not None:
        return _clock(text, timedelta(hours=int(clock[1]), minutes=int(clock[2]), seconds=float(clock[3])), session)
    try:
        moment = datetime.fromisoformat(text)
        date.fromisoformat(text[:10])
    except ValueError:
        raise ReplayError(f"{text!r} is no place in a recording such as {_FORMS}") from None
    return Place(_ns((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH))


def _seconds(text: str) -> float | None:
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return float(text) if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text) else None


def _clock(text: str, since: timedelta, session: Session) -> Place:
    header = session.header
    end_ns = header.started_ns + header.first_elapsed_ns + header.duration_ns
    if _ns(since) <= end_ns - header.started_ns:
        return Place(header.started_ns + _ns(since))
    begin, end = (_EPOCH + timedelta(microseconds=ns // 1000) for ns in (header.started_ns, end_ns))
    if since < timedelta(days=1):
        midnight = datetime.combine(begin.date(), time(), UTC)
        while midnight <= end:
            if begin.replace(microsecond=0) <= midnight + since <= end:
                return Place(max(_ns(midnight + since - _EPOCH), header.started_ns))
            midnight += timedelta(days=1)
    raise ReplayError(
        f"{text} is neither a time from the start of this recording, which is {end - begin} long, nor a time of day in "
        f"it, from {begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC"
    )


def _ns(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1) * 1000


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
