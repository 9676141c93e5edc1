"""Times that people type, and the part of a recording that they select.

Forms: `+5m` (from the start of the recording), `14:00` (a time of day, on each day of the recording),
`2026-11-23T14:03:10` or `2026-11-23` (absolute), `seq:1234` (a row). A time without an offset is in the time zone that
the caller chooses. `docs/select.md` describes them.
"""

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple, Protocol

from .units import parse_seconds

__all__ = ["Position", "RecordingSpan", "Time", "Window", "is_in", "parse_time", "select_stretch", "select_windows"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMS = "+5m (from the start), 14:03:10 (time of day), 2026-11-23T14:03:10 or seq:1234"
_CLOCK = re.compile(r"(\d{1,2}):(.*)")
_DAY = timedelta(days=1)
_MOST = 3
_FAR_US = 1700 * 366 * 86_400_000_000


class _Row(Protocol):
    @property
    def t_ns(self) -> int: ...
    @property
    def seq(self) -> int: ...


class Position(NamedTuple):
    """A position before the frames received at `ns` (since 1970 UTC) or later; at the same time, before the one with
    this `seq`.
    """

    ns: int
    seq: int = -1

    def is_after(self, frame: _Row) -> bool:
        """Return whether a frame comes before this position."""
        return (frame.t_ns, frame.seq) < self


@dataclass(frozen=True)
class Time:
    """A time as typed, and its value: a time of day, an absolute time (without an offset: in the zone of the verb), a
    duration from the start of the recording, or the `seq` of a row.
    """

    text: str
    value: time | datetime | timedelta | int


@dataclass(frozen=True)
class RecordingSpan:
    """The data of a recording that is needed to find a time in it.

    begin_ns, end_ns: receipt of the first and the last row, since 1970 UTC.
    zone: the zone of days and of times without an offset.
    place_of: returns the position of the row with a `seq`; None without such a row.
    """

    begin_ns: int
    end_ns: int
    zone: tzinfo = UTC
    place_of: Callable[[int], Position | None] = lambda seq: None

    def __str__(self) -> str:
        """The sentence with which messages end."""
        begin, end = (_moment(ns).astimezone(self.zone) for ns in (self.begin_ns, self.end_ns))
        last = f"{end:%H:%M:%S}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
        return f"The recording runs from {begin:%Y-%m-%d %H:%M:%S} to {last} ({self.zone})."

    def days(self) -> Iterator[date]:
        """Return the days of the recording, with one before and one after it for clocks that differ."""
        day, last = (_moment(ns).astimezone(self.zone).date() for ns in (self.begin_ns, self.end_ns))
        day -= _DAY
        while day <= last + _DAY:
            yield day
            day += _DAY


class Window(NamedTuple):
    """A part of a recording: from `begin` on, and before `end`; None means no limit."""

    begin: Position | None = None
    end: Position | None = None

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Its limits in UTC, without a zone."""
        begin, end = (None if place is None else _moment(place.ns).replace(tzinfo=None) for place in self)
        return begin, end

    def has(self, frame: _Row) -> bool:
        """Whether a frame is in it."""
        is_early = self.begin is not None and self.begin.is_after(frame)
        return not is_early and (self.end is None or self.end.is_after(frame))


def is_in(windows: Sequence[Window]) -> Callable[[_Row], bool]:
    """Return the test whether a frame is in one of some windows, which are in order."""
    begins = [window.begin or Position(-sys.maxsize) for window in windows]

    def test(frame: _Row) -> bool:
        number = bisect_right(begins, (frame.t_ns, frame.seq)) - 1
        return number >= 0 and windows[number].has(frame)

    return test


def parse_time(text: str) -> Time:
    """Read a time. Raises `ValueError` with examples for anything else."""
    typed = text.strip()
    if row := re.fullmatch(r"seq:(\d{1,18})", typed):
        return Time(typed, int(row[1]))
    if number := re.fullmatch(r"\+?(\d{1,9})(\.\d{1,20})?", typed):
        advice = f", {int(typed):02}:00 (time of day)" if typed.isdecimal() and int(typed) < 24 else ""
        raise ValueError(
            f"{typed!r} has no unit; write +{number[0].lstrip('+')}s (from the start){advice} or seq:{number[1]}"
        )
    try:
        if typed.startswith("+") and (seconds := parse_seconds(typed[1:])) is not None:
            return Time(typed, timedelta(seconds=seconds))
        if clock := _CLOCK.fullmatch(typed.replace("24:00", "00:00", 1) if typed.startswith("24:00") else typed):
            return Time(typed, time.fromisoformat(f"{int(clock[1]):02}:{clock[2]}"))
        date.fromisoformat(typed[:10])
        return Time(typed, datetime.fromisoformat(typed))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time such as {_FORMS}") from None


def select_windows(since: Time | None, until: Time | None, recorded: RecordingSpan) -> Sequence[Window]:
    """Return the parts of a recording from `since` on and before `until`, in order.

    A time of day selects that part of each day: `14:00` to `15:00` is one window a day, `22:00` to `06:00` one a night.
    Without its counterpart it reaches to midnight. Other times limit the whole: both conditions hold.
    Raises `ValueError` for a row that the recording does not have.
    """
    whole = Window(_place(since, recorded), _place(until, recorded))
    first, last = (limit.value if limit and isinstance(limit.value, time) else None for limit in (since, until))
    if first is None and last is None:
        return [whole]
    windows: list[Window] = []
    for day in recorded.days():
        begin, end = _of_day(day, first, last, recorded.zone)
        begin, end = max(begin, whole.begin or begin), min(end, whole.end or end)
        if begin >= end:
            continue
        if windows and (before := windows[-1].end) and before >= begin:
            windows[-1] = Window(windows[-1].begin, max(before, end))
        else:
            windows.append(Window(begin, end))
    return windows


def select_stretch(since: Time | None, until: Time | None, recorded: RecordingSpan) -> Window:
    """Return one part of a recording from `since` on and before `until`, for verbs that take a single part.

    A time of day is the one that the recording contains; a recording that begins later on that day is taken from its
    beginning, and one that ends earlier up to its end. Raises `ValueError` where the recording contains it on several
    days or not at all, and for a row that it does not have.
    """
    begin, end = _place(since, recorded), _place(until, recorded)
    if since is not None and begin is None:
        times = _occurrences(since, recorded, recorded.begin_ns)
        if not times and _first(since, recorded, recorded.begin_ns) > recorded.begin_ns:
            raise ValueError(f"{since.text} is not in the recording. {recorded}{_hint(since, recorded)}")
        begin = Position(_only(since, times, recorded) if times else recorded.begin_ns)
    if until is not None and end is None:
        after_ns = recorded.begin_ns if begin is None else begin.ns
        times = _occurrences(until, recorded, after_ns + 1)
        if not times and _first(until, recorded, after_ns) <= after_ns:
            raise ValueError(
                f"{until.text} is not in the recording after its start. {recorded}{_hint(until, recorded)}"
            )
        end = Position(times[0] if since else _only(until, times, recorded)) if times else None
    return Window(begin, end)


def _place(limit: Time | None, recorded: RecordingSpan) -> Position | None:
    """Return the position of a time that occurs once; None for a time of day."""
    value = None if limit is None else limit.value
    if isinstance(value, int):
        if (place := recorded.place_of(value)) is None:
            raise ValueError(f"the recording has no row with seq:{value}")
        return place
    if isinstance(value, timedelta):
        return Position(recorded.begin_ns + value // timedelta(microseconds=1) * 1000)
    if isinstance(value, datetime):
        return Position(_ns(value if value.tzinfo else value.replace(tzinfo=recorded.zone)))
    return None


def _of_day(day: date, since: time | None, until: time | None, zone: tzinfo) -> tuple[Position, Position]:
    """The window of a day. Of a time that clocks show twice, the first counts for `since`, the second for `until`."""
    midnight = time(tzinfo=(since or until or time()).tzinfo)
    since, until = since or midnight, (until or midnight).replace(fold=1)
    begin, end = _on(day, since, zone), _on(day, until, zone)
    if since.tzinfo == until.tzinfo:  # as clocks show them: a window that clocks leave out is empty
        ends_next_day = until.replace(tzinfo=None) <= since.replace(tzinfo=None)
    else:
        ends_next_day = end <= begin
    return Position(begin), Position(_on(day + _DAY, until, zone) if ends_next_day else end)


def _occurrences(limit: Time, recorded: RecordingSpan, after_ns: int) -> list[int]:
    """Return the times at which a time of day occurs in the recording, from a given time on."""
    assert isinstance(limit.value, time)
    times = (_on(day, limit.value, recorded.zone) for day in recorded.days())
    return [ns for ns in times if after_ns <= ns <= recorded.end_ns]


def _first(limit: Time, recorded: RecordingSpan, ns: int) -> int:
    """Return a time of day on the day of a given time."""
    assert isinstance(limit.value, time)
    zone = limit.value.tzinfo or recorded.zone
    return _on(_moment(ns).astimezone(zone).date(), limit.value, zone)


def _only(limit: Time, times: Sequence[int], recorded: RecordingSpan) -> int:
    if len(times) == 1:
        return times[0]
    forms = [f"{_moment(ns).astimezone(recorded.zone):%Y-%m-%dT%H:%M:%S}" for ns in times[:_MOST]]
    more = " …" if len(times) > _MOST else ""
    raise ValueError(f"{limit.text} is in the recording on {len(times)} days; write {' or '.join(forms)}{more}")


def _hint(limit: Time, recorded: RecordingSpan) -> str:
    """Return advice for a duration from the start."""
    assert isinstance(limit.value, time)
    of_day = limit.value
    if (of_day.hour * 3600 + of_day.minute * 60 + of_day.second) * 10**9 > recorded.end_ns - recorded.begin_ns:
        return ""
    parts = ((of_day.hour, "h"), (of_day.minute, "m"), (of_day.second, "s"))
    from_start = "".join(f"{number}{unit}" for number, unit in parts if number)
    return f" From its start: +{from_start}." if from_start else ""


def _on(day: date, of_day: time, zone: tzinfo) -> int:
    """Return when clocks show a time of day; when they are changed, if they leave it out that day."""
    moment = datetime.combine(day, of_day, of_day.tzinfo or zone)
    first, last = moment.replace(fold=1), moment.replace(fold=0)
    if _ns(first) >= _ns(last):
        return _ns(moment)
    seconds = range(_ns(first) // 10**9, _ns(last) // 10**9)
    after, zone = first.utcoffset(), moment.tzinfo or zone
    # The offset changes once in them.
    place = bisect_left(seconds, True, key=lambda at: datetime.fromtimestamp(at, zone).utcoffset() == after)
    return (seconds.start + place) * 10**9


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _moment(ns: int) -> datetime:
    """Return a time as a datetime; for times thousands of years away, the nearest possible one."""
    return _EPOCH + timedelta(microseconds=max(-_FAR_US, min(ns // 1000, _FAR_US)))
