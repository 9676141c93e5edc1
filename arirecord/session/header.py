"""The header of a session: a description without reading the rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

import orjson

from arirecord import __version__
from arirecord.errors import NotASession

__all__ = ["COMPACT_FORMAT", "FORMAT", "KEY", "SEQ_RANGE", "Drift", "Header"]

FORMAT = 1
"""The format of journals and sessions."""
COMPACT_FORMAT = 2
"""The format of compact sessions, and the newest that can be read."""
KEY = b"arirecord"
SEQ_RANGE = "seq_range"
"""Key of a field that only parts of a lake have, of a session with several servers."""
_PLACES = 1000
_PROBLEMS = 100
_NUMBERS = (
    "started_ns", "rows", "events", "first_elapsed_ns", "duration_ns", "frame_bytes", "gap_count", "lost_count",
    "problem_count",
)  # fmt: skip
_ABSENT = ("first_at", "last_at", "type_bytes", "channel_count", "data_sha256")
"""Fields that may be null."""


class Drift:
    """Counts of differences between a recording and the catalogue: `counts[what][where]`. Bounded for any input."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self._places = 0

    def add(self, differences: Iterable[tuple[str, str]]) -> None:
        """Count `(what, where)` pairs."""
        for difference, where in differences:
            counter = self.counts.setdefault(difference, Counter())
            place = where[:200].encode("utf-8", "backslashreplace").decode()
            if place not in counter:
                if self._places >= _PLACES:
                    place = "(elsewhere)"
                self._places += 1
            counter[place] += 1


@dataclass(slots=True)
class Header:
    """The fields that `docs/format.md` lists under "The header"; `other` keeps keys of later versions."""

    started_ns: int
    source: Mapping[str, Any]
    format: int = FORMAT
    arirecord: str = __version__
    rows: int = 0
    events: int = 0
    types: dict[str, int] = field(default_factory=dict)
    applications: dict[str, int] = field(default_factory=dict)
    asterisk_ids: dict[str, int] = field(default_factory=dict)
    first_at: str | None = None
    last_at: str | None = None
    first_elapsed_ns: int = 0
    duration_ns: int = 0
    frame_bytes: int = 0
    type_bytes: dict[str, list[int]] | None = None
    channel_count: int | None = None
    gap_count: int = 0
    lost_count: int = 0
    drift: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    problem_count: int = 0
    ended: str = "complete"
    data_sha256: str | None = None
    other: dict[str, Any] = field(default_factory=dict)

    def add_problem(self, where: str, what: str) -> None:
        """Note broken input; the first hundred are listed, all are counted."""
        self.problem_count += 1
        if len(self.problems) < _PROBLEMS:
            self.problems.append({"where": where, "what": what})

    @property
    def drift_count(self) -> int:
        """Return the number of differences from the catalogue."""
        return sum(sum(places.values()) for places in self.drift.values())

    @property
    def seq_range(self) -> tuple[int, int] | None:
        """Return the first and the last `seq` of all servers, if this file has the rows of one of them."""
        match self.other.get(SEQ_RANGE):
            case [int(first), int(last)] if 0 <= first <= last < 1 << 62:
                return first, last
        return None

    def dump(self) -> bytes:
        """The header as JSON."""
        own = asdict(self)
        return orjson.dumps({**own.pop("other"), **own})

    @classmethod
    def load(cls, text: bytes) -> Self:
        """Read the JSON of `dump`. Raises `NotASession` for a newer format or other text."""
        try:
            stored = orjson.loads(text)
            version = stored["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise NotASession("its header is damaged") from error
        if type(version) is int and version > COMPACT_FORMAT:
            raise NotASession(
                f"it has format {version}, this arirecord reads up to {COMPACT_FORMAT}: please update arirecord"
            )
        names = {f.name for f in fields(cls)} - {"other"}
        try:
            known = cls(**{k: v for k, v in stored.items() if k in names})
        except TypeError as error:
            raise NotASession("its header is damaged") from error
        pattern = cls(0, {}, first_at="", last_at="", type_bytes={}, channel_count=0, data_sha256="")
        for name in names:
            value, like = getattr(known, name), getattr(pattern, name)
            if type(value) is not type(like) and not (value is None and name in _ABSENT):
                raise NotASession(f"its header is damaged: {name} is {value!r:.50}")
        for name, is_right in _RIGHT.items():
            if not is_right(getattr(known, name)):
                raise NotASession(f"its header is damaged: {name} is {getattr(known, name)!r:.50}")
        if not all(_is_pair(pair) for pair in (known.type_bytes or {}).values()):
            raise NotASession(f"its header is damaged: type_bytes is {known.type_bytes!r:.50}")
        known.other = {k: v for k, v in stored.items() if k not in names}
        return known


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62  # of two, the sum is a time that DuckDB and pyarrow can hold


def _is_time(value: object) -> bool:
    try:
        return value is None or datetime.fromisoformat(str(value)).year > 0
    except ValueError:
        return False


def _are_counts(value: dict[str, object]) -> bool:
    return all(map(_is_number, value.values()))


_RIGHT: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_NUMBERS, _is_number),
    **dict.fromkeys(("first_at", "last_at"), _is_time),
    **dict.fromkeys(("types", "applications", "asterisk_ids"), _are_counts),
    "drift": lambda value: all(isinstance(places, dict) and _are_counts(places) for places in value.values()),
    "problems": lambda value: all(isinstance(each, dict) for each in value),
}
"""Fields whose values are checked further."""


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(number) is int for number in value)
