"""Compare the header with the rows."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from arirecord.session.header import COMPACT_FORMAT, Header
from arirecord.session.header_stats import ChannelCount

from .findings import Finding, moment
from .row_batches import Batch

__all__ = ["Counts", "sound"]

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "format": lambda value: type(value) is int and 1 <= value <= COMPACT_FORMAT,
    "started_ns": lambda value: type(value) is int and abs(value) < 2**63,
    "source": lambda value: isinstance(value, dict),
    "arirecord": lambda value: isinstance(value, str),
    "ended": lambda value: isinstance(value, str),
    "problem_count": lambda value: type(value) is int,
    "problems": lambda value: isinstance(value, list) and all(isinstance(entry, dict) for entry in value),
    "drift": lambda value: isinstance(value, dict) and all(map(_is_counts, value.values())),
}
_BY = {"types": "type", "applications": "application", "asterisk_ids": "asterisk_id"}
_ADVICE = "The rows are the truth, the header only repeats them: make it again (`arirecord cat`, `arirecord import`)."


def sound(name: str, header: Header) -> Generator[Finding, None, Header]:
    """Yield header fields of a wrong type; return the header with defaults in their place."""
    plain = Header(0, {})
    wrong = {key: getattr(plain, key) for key in _TYPES if not _TYPES[key](getattr(header, key))}
    for key in wrong:
        yield Finding("error", "header", name, f"Header field {key} has the wrong type.", _ADVICE)
    return replace(header, **wrong)


class Counts:
    """Counts the figures in the header of one file; a `Check` for one file."""

    def __init__(self, name: str, header: Header) -> None:
        self._name, self._header = name, header
        self._numbers = Counter(rows=0, events=0, frame_bytes=0, gap_count=0, lost_count=0)
        self._by: dict[str, Counter[str]] = {key: Counter() for key in _BY}
        self._bytes: Counter[str] = Counter()
        self._channels = ChannelCount()
        self._first: tuple[int, int] | None = None
        self._last = (0, 0)

    def rows(self, batch: Batch) -> Iterator[Finding]:
        frame, events = batch.frame, batch.events
        gaps = frame.filter((pl.col("kind") == "connection") & (pl.col("type") == "gap"))
        self._numbers.update(
            rows=frame.height,
            events=events.height,
            frame_bytes=int(events["raw"].str.len_bytes().sum()),
            gap_count=gaps.height,
            lost_count=int(frame["connection_lost_count"].sum() or 0),
        )
        for key, column in _BY.items():
            self._by[key].update(dict(events.group_by(pl.col(column).fill_null("")).len().iter_rows()))
        sizes = events.group_by(pl.col("type").fill_null("")).agg(pl.col("raw").str.len_bytes().sum().cast(pl.Int64))
        self._bytes.update(dict(sizes.iter_rows()))
        self._channels.add(batch.table)
        self._first = self._first or (frame["received_at"][0], frame["elapsed_ns"][0])
        self._last = (frame["received_at"][-1], frame["elapsed_ns"][-1])
        yield from ()

    def end(self) -> Iterator[Finding]:
        counts: dict[str, Any] = {**self._numbers, **{key: dict(counter) for key, counter in self._by.items()}}
        # Sessions of earlier versions do not have these.
        if self._header.channel_count is not None:
            counts["channel_count"] = self._channels.result()
        if self._header.type_bytes is not None:
            counts["type_bytes"] = {name: [self._by["types"][name], size] for name, size in self._bytes.items()}
        if self._first is not None:
            counts |= {
                "first_at": moment(self._first[0]),
                "last_at": moment(self._last[0]),
                "first_elapsed_ns": self._first[1],
                "duration_ns": self._last[1] - self._first[1],
            }
        for key, value in counts.items():
            stated = getattr(self._header, key)
            if stated != value:
                yield Finding("error", "header", self._name, f"Its header says {_differ(key, stated, value)}", _ADVICE)


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(type(count) is int for count in value.values())


def _differ(key: str, stated: Any, value: Any) -> str:
    if isinstance(value, dict) and isinstance(stated, dict):
        names = sorted(name for name in stated.keys() | value.keys() if stated.get(name, 0) != value.get(name, 0))
        shown = "; ".join(
            f"{name or '(none)'} {stated.get(name, 0)}, the rows {value.get(name, 0)}" for name in names[:3]
        )
        more = f"; and {len(names) - 3:,} more" if len(names) > 3 else ""
        return f"of {key}: {shown}{more}."
    return f"{key} {stated}, the rows {value}."
