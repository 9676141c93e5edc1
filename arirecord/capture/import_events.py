"""ARI events in JSON values: which value is an event, what log systems wrap around it, and which time it has."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from arirecord.asterisk.catalogue import ENVELOPE, event_types, fields_of
from arirecord.asterisk.timestamps import parse_timestamp

from .json_in_text import ValueReader, json_text

__all__ = ["EventFinder", "FoundRow", "as_time_ns", "is_event", "is_plausible", "own_time_ns", "stamp_ns"]

_TYPES = frozenset(event_types())
_MARKS = {"application", "asterisk_id", "asterisk_info"}
"""Fields of messages of ARI of any type; other JSON rarely has one of them beside a `type`."""
_RECORD = {"t", "frame", "kind", "elapsed_ns"}
_TIMES = (
    "__realtime_timestamp", "@timestamp", "timestamp", "ts", "t", "time", "@t", "_time", "received_at", "receivedat",
    "datetime", "date", "created_at", "ingestiontime", "starteddatetime",
)  # fmt: skip
"""Names under which log systems keep the time of a line, in lower case, the best first."""
_EARLIEST_NS, _LATEST_NS = 946_684_800 * 10**9, 4_102_444_800 * 10**9
"""The years 2000 to 2100."""
_UNITS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
_DEEP = 12


class FoundRow(NamedTuple):
    """An event, or another row of a recording. `t_ns` is its time of receipt; None if unknown."""

    t_ns: int | None
    raw: str
    kind: str = "event"
    unit: str = "nanoseconds"
    has_bad_time: bool = False


def is_event(value: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a message of ARI, of a known type or of one of a later Asterisk."""
    event_type = value.get("type")
    if not isinstance(event_type, str):
        return False
    if event_type in _TYPES:
        return not _MARKS.isdisjoint(value) or value.keys() <= {*ENVELOPE, *fields_of(event_type)}
    return (
        event_type[:1].isupper() and event_type.isalnum() and any(isinstance(value.get(name), str) for name in _MARKS)
    )


def is_plausible(t_ns: int) -> bool:
    """Return whether a time is in the years 2000 to 2100."""
    return _EARLIEST_NS <= t_ns < _LATEST_NS


def stamp_ns(stamp: object) -> int | None:
    """Return the time of an event's own timestamp; None for anything else."""
    parsed = parse_timestamp(stamp) if type(stamp) is str else None
    return parsed[0] * 1_000_000 if parsed else None


def own_time_ns(stamp: object) -> int | None:
    """Return the time of an event by its own timestamp, which other programs may have written as a number."""
    t_ns = stamp_ns(stamp)
    time = as_time_ns(stamp) if t_ns is None and stamp is not None else None
    return time[0] if time else t_ns


def as_time_ns(value: object) -> tuple[int, str] | None:
    """Return nanoseconds since 1970, and the unit of a number, which its size decides; None if it is not a time."""
    if isinstance(value, str):
        t_ns = stamp_ns(value.strip())
        if t_ns is not None:
            return (t_ns, "text") if is_plausible(t_ns) else None
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**63:
        return None
    for unit, factor in _UNITS.items():
        t_ns = value * factor if isinstance(value, int) else round(value * factor / 1000) * 1000
        if is_plausible(t_ns):
            return t_ns, unit
    return None


class EventFinder:
    """Finds the events in a JSON value.

    field, time_field: paths of names, joined by dots, to the event and to its time; by default they are found.

    `broken_count` is the number of values whose event is cut off, as log systems do with long lines, and `broken` the
    first of them.
    """

    def __init__(self, field: str | None = None, time_field: str | None = None) -> None:
        self._field = field.split(".") if field else None
        self._time_field = time_field.split(".") if time_field else None
        self.broken_count = 0
        self.broken = ""
        self._cut = ""
        self.is_plain = self._field is self._time_field is None

    def find(self, value: dict[str, Any], raw: str) -> list[FoundRow]:
        """Return the events of a value, in order; `raw` is its text. Empty if it holds none."""
        item, text = (_at(value, self._field), "") if self._field else (value, raw)
        self._cut = ""
        events = self._within(item, text, 0)
        if self._cut and not events:
            self.broken_count += 1
            self.broken = self.broken or self._cut
        if self._time_field and events:
            time = as_time_ns(_at(value, self._time_field))
            events = [event._replace(t_ns=time[0]) if time else event._replace(has_bad_time=True) for event in events]
        return events

    def _of_object(self, value: dict[str, Any], raw: str, depth: int) -> list[FoundRow]:
        if isinstance(value.get("frame"), str) and value.keys() <= _RECORD:
            return _record(value)
        event_type = value.get("type")
        if isinstance(event_type, str) and event_type in _TYPES and is_event(value):
            return [FoundRow(None, raw or json_text(value))]
        for name, item in value.items():
            if isinstance(item, str | list | dict) and (events := self._within(item, "", depth + 1)):
                times = {key.lower(): other for key, other in value.items() if key != name}
                return _timed(events, (times[name] for name in _TIMES if name in times))
        if "MESSAGE" in value and value["MESSAGE"] is None:
            self._cut = self._cut or "a message that journalctl prints only with --all"
        # A type that the catalogue lacks is rather a field of a log system, if an event is in the object.
        return [FoundRow(None, raw or json_text(value))] if is_event(value) else []

    def _within(self, item: Any, raw: str, depth: int) -> list[FoundRow]:
        if depth > _DEEP:
            return []
        if isinstance(item, dict):
            return self._of_object(item, raw, depth)
        if isinstance(item, str):
            text = _decoded(item)
            if "{" not in text:
                return []
            reader = ValueReader()
            values = list(reader.read(text, is_last=True))
            self._cut = self._cut or reader.broken
            return [
                event for each in values if each.value for event in self._of_object(each.value, each.raw, depth + 1)
            ]
        if isinstance(item, list):
            if item and all(type(each) is int and 0 <= each < 256 for each in item):  # text, as journald writes it
                return self._within(bytes(item).decode("utf-8", "replace"), "", depth)
            events = [event for each in item for event in self._within(each, "", depth + 1)]
            return _timed(events, item[:1])  # [time, line], as Loki writes them
        return []


def _record(value: Mapping[str, Any]) -> list[FoundRow]:
    frame, kind, t = value["frame"], value.get("kind", "event"), value.get("t")
    try:
        frame.encode()
    except UnicodeEncodeError:
        return []
    if not isinstance(kind, str):
        return []
    if time := as_time_ns(t):
        return [FoundRow(time[0], frame, kind, time[1] if isinstance(t, int) else "nanoseconds")]
    if type(t) is int and 0 <= t < 2**63:
        return [FoundRow(t, frame, kind, "early")]
    return [FoundRow(None, frame, kind, has_bad_time=t is not None)]


def _timed(events: list[FoundRow], times: Iterable[Any]) -> list[FoundRow]:
    time = next(filter(None, map(as_time_ns, times)), None) if events else None
    return [event._replace(t_ns=time[0]) if event.t_ns is None else event for event in events] if time else events


def _decoded(text: str) -> str:
    """Return a text, decoded if it is base64 of a JSON object."""
    if text.startswith("eyJ"):
        try:
            return base64.b64decode(text, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return text
    return text


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
