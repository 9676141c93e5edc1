"""Moves dates in frames to the present, and changes no other character."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from arirecord.asterisk.catalogue import ENVELOPE, event_types, fields_of, models
from arirecord.session.reader import Frame

__all__ = ["DateShift", "shift_dates"]

_MOST_LATE_NS: Final = 1_000_000_000


def _fields(kind: str) -> Iterator[str]:
    """The fields with this type in the catalogue."""
    for fields in (*models().values(), *(fields_of(event_type) for event_type in event_types())):
        yield from (name for name, declared in fields.items() if declared.removesuffix("?") == kind)


def _one_of(names: Iterator[str] | set[str]) -> str:
    return "|".join(map(re.escape, sorted(set(names))))


# A quote inside a string is escaped, so text that looks like a key with its colon is a key.
_DATE = re.compile(
    rf'"(?:{_one_of({*_fields("Date"), ENVELOPE[-1]})})"[ \t\r\n]*:[ \t\r\n]*'
    r'"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,30})?)(?:Z|[+-]\d\d:?(?:\d\d)?)"',
    re.ASCII,
)
# These hold data of the user: a date there is text.
_FREE = re.compile(rf'"(?:{_one_of(_fields("object"))})"[ \t\r\n]*:[ \t\r\n]*(?=[{{\[])')
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)


def shift_dates(raw: str, shift_ms: int) -> str:
    """A JSON text with the dates of ARI moved by this many milliseconds, each in its own form.

    Dates are the fields of type Date in the catalogue (`timestamp`, `creationtime` …), anywhere except in free objects
    such as `channelvars`. A date that would leave the years 1 to 9999 stays.
    """
    free = list(_free(raw))
    shift = timedelta(milliseconds=shift_ms)
    parts, done = [], 0
    for match in _DATE.finditer(raw):
        begin, end = match.span(1)
        if any(first <= begin < last for first, last in free):
            continue
        parts += [raw[done:begin], _later(match[1], shift)]
        done = end
    return "".join([*parts, raw[done:]]) if parts else raw


def _later(text: str, shift: timedelta) -> str:
    seconds, _, fraction = text.partition(".")
    try:
        moment = datetime.fromisoformat(seconds) + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))) + shift
    except (ValueError, OverflowError):
        return text
    written = moment.isoformat(text[10], "microseconds") + fraction[6:]
    return written[: 20 + len(fraction)] if fraction else written[:19]


def _free(raw: str) -> Iterator[tuple[int, int]]:
    """The begin and end of each free object."""
    done = 0
    for match in _FREE.finditer(raw):
        if match.end() < done:
            continue
        depth = 0
        for token in _TOKEN.finditer(raw, match.end()):
            depth += (token[0] in "{[") - (token[0] in "}]")
            if not depth:
                done = token.end()
                yield match.end(), done
                break


class DateShift:
    """The shift of dates, so that events that are sent now carry dates of now.

    The shift is constant, to keep intervals between events. It changes if a silence was shortened, or if dates would be
    more than a second old, as after a pause. At speeds above 1 the dates run ahead of the clock, as the recording
    does. `wall_ns` is the wall clock.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.ms = 0
        self._wall_ns = wall_ns
        self._zero_ns: int | None = None

    def reset(self) -> None:
        """The replay continues elsewhere."""
        self._zero_ns = None

    def take(self, frame: Frame) -> Frame:
        """Move the dates of a frame that is about to be sent."""
        now_ns = self._wall_ns()
        zero_ns = self._zero_ns
        if zero_ns is None or zero_ns + frame.elapsed_ns < now_ns - _MOST_LATE_NS:
            self._zero_ns = now_ns - frame.elapsed_ns
        wanted_ns = (self._zero_ns or 0) + frame.elapsed_ns - frame.t_ns
        if zero_ns != self._zero_ns or abs(self.ms * 1_000_000 - wanted_ns) > _MOST_LATE_NS:
            self.ms = wanted_ns // 1_000_000
        return frame._replace(raw=shift_dates(frame.raw, self.ms)) if frame.kind == "event" else frame

    def text(self, raw: str) -> str:
        """Move another text, such as a response, by as much as the latest frame."""
        return shift_dates(raw, self.ms)
