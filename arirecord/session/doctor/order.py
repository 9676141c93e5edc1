"""Order: `seq` without holes, `elapsed_ns` never falling, and the parts of a folder one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from .batch import Batch, Origin
from .findings import Few, Finding, moment, seconds

__all__ = ["PartOrder", "RowOrder"]

_DAMAGED = "Not what arirecord writes: take the file from a backup, or `arirecord import` what `arirecord cat` gives."
_HOLE_US = 1_000_000


class RowOrder:
    """`seq` goes up by one, `elapsed_ns` does not fall and is not negative."""

    def __init__(self) -> None:
        self._last: tuple[Origin, int, int] | None = None
        self._holes, self._falls, self._negative = Few(), Few(), Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        """See `Check`."""
        origin = batch.origin
        frame = batch.frame.select("seq", "elapsed_ns")
        is_same_file = self._last is not None and self._last[0] == origin
        is_same_recording = self._last is not None and self._last[0].started_ns == origin.started_ns
        _, seq, elapsed = self._last or (origin, 0, 0)
        frame = frame.with_columns(
            # Where a part begins is for `PartOrder` to judge.
            pl.col("seq").shift(fill_value=seq if is_same_file else frame["seq"][0] - 1).alias("seq_before"),
            pl.col("elapsed_ns").shift(fill_value=elapsed if is_same_recording else None).alias("elapsed_before"),
        )
        yield from self._holes.take(
            frame.filter(pl.col("seq") != pl.col("seq_before") + 1),
            lambda row: Finding(
                "error", "order", origin.at(row["seq"]), _step(row["seq_before"], row["seq"]), _DAMAGED
            ),
        )
        yield from self._falls.take(
            frame.filter(pl.col("elapsed_ns") < pl.col("elapsed_before")),
            lambda row: Finding(
                "error",
                "order",
                origin.at(row["seq"]),
                f"elapsed_ns falls from {row['elapsed_before']:,} to {row['elapsed_ns']:,}.",
                _DAMAGED,
            ),
        )
        yield from self._negative.take(
            frame.filter(pl.col("elapsed_ns") < 0),
            lambda row: Finding(
                "error", "order", origin.at(row["seq"]), f"elapsed_ns is negative: {row['elapsed_ns']:,}.", _DAMAGED
            ),
        )
        self._last = (origin, frame["seq"][-1], frame["elapsed_ns"][-1])

    def end(self) -> Iterator[Finding]:
        """See `Check`."""
        for few in (self._holes, self._falls, self._negative):
            yield from few.end()


def _step(before: int, seq: int) -> str:
    if seq > before:
        return f"seq jumps from {before} to {seq}: {seq - before - 1:,} rows are missing."
    return f"seq goes back from {before} to {seq}: rows are swapped or there twice."


@dataclass(frozen=True, slots=True)
class _End:
    origin: Origin
    seq: int
    elapsed_ns: int
    received_us: int


class PartOrder:
    """Parts of one recording follow each other without hole; other recordings of a folder do not overlap it."""

    def __init__(self) -> None:
        self._last: _End | None = None
        self._few = Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        """See `Check`."""
        frame = batch.frame
        begin = _End(batch.origin, *(frame[n][0] for n in ("seq", "elapsed_ns", "received_at")))
        last = self._last
        if last is None:
            if begin.seq:
                yield Finding(
                    "note",
                    "parts",
                    begin.origin.name,
                    f"A later part of a recording: it begins with row {begin.seq:,}, "
                    f"{seconds(begin.elapsed_ns / 1e9)} after the recording did.",
                )
        elif last.origin != begin.origin:
            if last.origin.started_ns == begin.origin.started_ns:
                yield from self._few.one(found) if (found := _same_recording(last, begin)) else ()
            else:
                yield from self._few.one(found) if (found := _another_recording(last, begin)) else ()
        self._last = _End(batch.origin, *(frame[n][-1] for n in ("seq", "elapsed_ns", "received_at")))

    def end(self) -> Iterator[Finding]:
        """See `Check`."""
        yield from self._few.end()


def _same_recording(last: _End, begin: _End) -> Finding | None:
    missing = begin.seq - last.seq - 1
    if missing > 0:
        return Finding(
            "warning",
            "parts",
            begin.origin.name,
            f"{missing:,} rows ({seconds((begin.elapsed_ns - last.elapsed_ns) / 1e9)}) are missing between "
            f"{last.origin.name} and this part.",
            "Look for the part or its journal (`arirecord recover …`).",
        )
    if missing < 0:
        return Finding(
            "error",
            "parts",
            begin.origin.name,
            f"It overlaps {last.origin.name}: it begins with row {begin.seq:,}, that one ends with {last.seq:,}.",
            "A part is there twice, or the names do not sort as the parts do.",
        )
    return None


def _another_recording(last: _End, begin: _End) -> Finding | None:
    hole_us = begin.received_us - last.received_us
    until = moment(begin.received_us)
    if hole_us < 0:
        return Finding(
            "warning",
            "parts",
            begin.origin.name,
            f"Another recording that begins at {until}, {seconds(hole_us / 1e6)} before {last.origin.name} ends.",
            "If both recorded the same Asterisk, calls count twice: ask each by itself.",
        )
    if hole_us >= _HOLE_US:
        return Finding(
            "warning",
            "parts",
            begin.origin.name,
            f"Nothing was recorded for {seconds(hole_us / 1e6)}: {last.origin.name} ends at "
            f"{moment(last.received_us)}, this one begins at {until}.",
            "Metrics can't know of calls in between.",
        )
    return None
