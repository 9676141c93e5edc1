"""Order of imported rows: notice files whose rows are not in order of time, and sort them with bounded memory."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, pairwise
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from arirecord.json_text import json_object
from arirecord.session.journal import JournalReader, JournalWriter
from arirecord.session.rows import Row

from .import_events import stamp_ns

__all__ = ["OrderCheck", "OutOfOrderError", "TimedRows", "sorted_journal"]

_JITTER_NS = 10**9
"""Events of one stream are out of order by less: across channels Asterisk's timestamps go back by milliseconds."""
_FALL_NS = 10 * 10**9
"""A fall of the times within a file by more is a disorder, or a clock that was set."""
_EVIDENCE = 1000
"""Number of rows that are searched for evidence of a clock that was set."""
_RUN_BYTES = 1 << 26
"""Rows are sorted in memory up to this size of their text."""
_BATCH = 1000
_BATCH_BYTES = 1 << 24


class TimedRows(NamedTuple):
    """Rows as columns, one at least; all have a time."""

    times: Sequence[int]
    kinds: Sequence[str]
    raws: Sequence[str]


class OutOfOrderError(Exception):
    """The rows are not in order of time; the text says how."""


class OrderCheck:
    """Reads rows in the order in which they are imported. Raises `OutOfOrderError` if that is not the order of time."""

    def __init__(self) -> None:
        self._name = ""
        self._peak: int | None = None
        self._first = self._last = 0
        self._falls = self._rises = 0
        self._last_raw = ""
        self._is_new = True

    def begin(self, name: str) -> None:
        """Begin a file."""
        self._name, self._falls, self._rises, self._is_new, self._last_raw = name, 0, 0, True, ""

    def add(self, rows: TimedRows) -> None:
        """Read some rows of the file."""
        times = rows.times
        if self._is_new:
            if self._peak is not None and times[0] < self._peak - _JITTER_NS:
                raise OutOfOrderError(f"{self._name} begins before the file before it ends")
            self._is_new, self._first, self._peak = False, times[0], times[0]
        if self._peak is None or times[0] < self._peak or times != sorted(times):
            self._look(rows)
        else:
            self._rises += len(times)
            self._peak = times[-1]
        self._last, self._last_raw = times[-1], rows.raws[-1]

    def _look(self, rows: TimedRows) -> None:
        times = rows.times
        self._falls += sum(a > b for a, b in pairwise(times))
        self._rises += sum(a < b for a, b in pairwise(times))
        at = 0
        while (fall := _first_fall(times, at, self._peak)) is not None:
            before = rows.raws[fall - 1] if fall else self._last_raw
            if not is_clock_set(before, rows.raws[fall : fall + _EVIDENCE]):
                raise OutOfOrderError(f"the times in {self._name} fall")
            at, self._peak = fall, times[fall]
        self._peak = max(times[at:] if self._peak is None else (self._peak, *times[at:]))

    def end(self) -> None:
        """End the file."""
        fell_ns = self._first - self._last
        if self._falls > self._rises and (fell_ns >= _JITTER_NS or (self._falls > 2 and not self._rises)):
            raise OutOfOrderError(f"{self._name} has the newest row first")


def _first_fall(times: Sequence[int], begin: int, peak: int | None) -> int | None:
    peaks = accumulate(islice(times, begin, None), max, initial=peak if peak is not None else times[begin])
    return next((at for at, high in enumerate(islice(peaks, 1, None), begin) if high - times[at] > _FALL_NS), None)


def is_clock_set(before: str, after: Sequence[str]) -> bool:
    """Return whether times fall after `before` because a clock was set, not because rows changed places.

    Then an event is older than its own channel or bridge, or only the recorder's times fall.
    """
    was_ns, now_ns = (stamp_ns(json_object(raw).get("timestamp")) for raw in (before, after[0]))
    if was_ns is not None and now_ns is not None and now_ns > was_ns - _JITTER_NS:
        return True
    for event in map(json_object, after):
        at_ns = stamp_ns(event.get("timestamp"))
        for part in event.values():
            made_ns = stamp_ns(part.get("creationtime")) if isinstance(part, dict) else None
            if at_ns is not None and made_ns is not None and at_ns < made_ns - _JITTER_NS:
                return True
    return False


def sorted_journal(sources: Iterable[Iterator[TimedRows]], path: Path, source: dict[str, Any]) -> int:
    """Write the rows of all files to the journal `path`, in order of time. Returns the time of the first row.

    Rows of a file keep their order where it is the order of time but for milliseconds. A file with the newest row
    first is reversed. Temporary files go beside `path`, and are removed with it by the caller.
    """
    runs: list[Path] = []
    for rows in sources:
        runs += _runs(rows, path, len(runs))
    # Of rows of one time, those of the file that begins first come first.
    runs.sort(key=lambda run: next(_rows(run)).elapsed_ns)
    merged = heapq.merge(*map(_rows, runs), key=attrgetter("elapsed_ns"))
    first = next(merged, None)
    started_ns = first.received_ns if first else 0
    writer = JournalWriter(path, started_ns, source)
    elapsed_ns = size = 0
    lines: list[tuple[int, int, str, str]] = []
    for row in chain([first] if first else [], merged):
        elapsed_ns = max(elapsed_ns, row.received_ns - started_ns)
        lines.append((row.received_ns, elapsed_ns, row.kind, row.raw))
        size += len(row.raw)
        if len(lines) == _BATCH or size > _BATCH_BYTES:
            writer.write(lines)
            lines, size = [], 0
    writer.write(lines)
    writer.close()
    for run in runs:
        run.unlink()
    return started_ns


def _rows(run: Path) -> Iterator[Row]:
    for rows in JournalReader(run).batches(_BATCH, _BATCH_BYTES):
        yield from rows


def _runs(source: Iterator[TimedRows], path: Path, begin: int) -> list[Path]:
    """Write the rows of one file as journals that are sorted by a key, which stands in the place of `elapsed_ns`."""
    runs: list[Path] = []
    keys = _Keys()
    times: list[int] = []
    kinds: list[str] = []
    raws: list[str] = []
    size = 0

    def write() -> None:
        order = keys.order(times, raws)
        run = path.with_name(f"{path.name}.{begin + len(runs)}")
        writer = JournalWriter(run, 0, {})
        for at in range(0, len(order), _BATCH):
            writer.write((times[i], key, kinds[i], raws[i]) for key, i in order[at : at + _BATCH])
        writer.close()
        runs.append(run)

    for part in source:
        times += part.times
        kinds += part.kinds
        raws += part.raws
        size += sum(map(len, part.raws))
        if size > _RUN_BYTES:
            write()
            times, kinds, raws, size = [], [], [], 0
    if times:
        write()
    return runs[::-1] if keys.is_falling else runs


class _Keys:
    """Keys of the rows of one file: the latest time so far, from each fall by which rows changed places on."""

    def __init__(self) -> None:
        self.is_falling: bool | None = None
        self._peak: int | None = None
        self._begin = 0
        self._last_raw = ""

    def order(self, times: Sequence[int], raws: Sequence[str]) -> list[tuple[int, int]]:
        """Return the keys of the rows with their indices, in the order in which they go into a run."""
        if self.is_falling is None:
            falls = sum(a > b for a, b in pairwise(times)) - sum(a < b for a, b in pairwise(times))
            self.is_falling = falls > 0
        signed = [-t for t in times] if self.is_falling else times
        keys: list[int] = []
        begins: list[int] = []
        for i, time in enumerate(signed):
            if self._peak is None:
                self._peak = self._begin = time
            elif self._peak - time > _JITTER_NS:  # rows of this file did change places
                before = raws[i - 1] if i else self._last_raw
                if self.is_falling or not is_clock_set(before, raws[i : i + _EVIDENCE]):
                    self._peak = self._begin = time
            self._peak = max(self._peak, time)
            keys.append(self._peak)
            begins.append(self._begin)
        self._last_raw = raws[-1]
        if self.is_falling:
            return sorted(((-key, i) for i, key in reversed([*enumerate(keys)])), key=itemgetter(0))
        return [(keys[i], i) for i in sorted(range(len(keys)), key=lambda i: (keys[i], begins[i]))]
