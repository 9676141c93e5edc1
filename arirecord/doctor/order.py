"""Order: `seq` without holes, `elapsed_ns` never falling, and the parts of a folder in order."""

from collections.abc import Iterator

import polars as pl

from arirecord.select.units import duration_text
from arirecord.session.recorded_time import Extent, Gap, gaps_between

from .findings import Few, Finding, moment
from .row_batches import Batch, Origin

__all__ = ["PartOrder", "RowOrder"]

_DAMAGED = "Not what arirecord writes: take the file from a backup, or `arirecord import` what `arirecord cat` gives."


_IS_KNOWN_HOLE = (
    (pl.col("kind") == "connection")
    & (pl.col("type") == "gap")
    & (pl.col("connection_lost_count") == pl.col("seq") - pl.col("seq_before"))
).fill_null(False)
"""A gap takes the last `seq` of the rows that a damaged journal has lost."""


class RowOrder:
    """Checks that `seq` goes up by one or over a known gap, and that `elapsed_ns` neither falls nor is negative."""

    def __init__(self) -> None:
        self._last: tuple[Origin, int, int] | None = None
        self._holes, self._falls, self._negative = Few(), Few(), Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        origin = batch.origin
        frame = batch.frame.select("seq", "elapsed_ns", "kind", "type", "connection_lost_count")
        is_same_file = self._last is not None and self._last[0] == origin
        is_same_recording = self._last is not None and self._last[0].started_ns == origin.started_ns
        _, seq, elapsed = self._last or (origin, 0, 0)
        frame = frame.with_columns(
            # `PartOrder` checks the start of a part.
            pl.col("seq").shift(fill_value=seq if is_same_file else frame["seq"][0] - 1).alias("seq_before"),
            pl.col("elapsed_ns").shift(fill_value=elapsed if is_same_recording else None).alias("elapsed_before"),
        )
        yield from self._holes.take(
            frame.filter((pl.col("seq") != pl.col("seq_before") + 1) & ~_IS_KNOWN_HOLE),
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
        for few in (self._holes, self._falls, self._negative):
            yield from few.end()


def _step(before: int, seq: int) -> str:
    if seq > before:
        return f"seq jumps from {before} to {seq}: {seq - before - 1:,} rows are missing."
    return f"seq goes back from {before} to {seq}: rows are swapped or there twice."


class PartOrder:
    """Checks that parts of one recording follow each other without a gap, and that recordings do not overlap.

    Parts come in order of time.
    """

    def __init__(self) -> None:
        self._origins: list[Origin] = []
        self._extents: list[Extent] = []
        self._few = Few(shown=20)

    def rows(self, batch: Batch) -> Iterator[Finding]:
        origin, frame = batch.origin, batch.frame
        first_seq, last_seq = frame["seq"][0], frame["seq"][-1]
        begin_ns, end_ns = (origin.started_ns + frame["elapsed_ns"][row] for row in (0, -1))
        if not self._origins and first_seq:
            yield Finding(
                "note",
                "parts",
                origin.name,
                f"A later part of a recording: it begins with row {first_seq:,}, "
                f"{duration_text((begin_ns - origin.started_ns) / 1e9)} after the recording did.",
            )
        if not self._origins or self._origins[-1] != origin:
            self._origins.append(origin)
            self._extents.append(Extent(origin.started_ns, first_seq, last_seq, begin_ns, end_ns))
        else:
            self._extents[-1] = self._extents[-1]._replace(last_seq=last_seq, end_ns=end_ns)

    def end(self) -> Iterator[Finding]:
        gaps = {gap.part: gap for gap in gaps_between(self._extents)}
        latest: dict[int, int] = {}
        for number, extent in enumerate(self._extents):
            before = latest.get(extent.started_ns)
            latest[extent.started_ns] = number
            if before is not None and self._goes_on(before, number):
                finding = self._same_recording(before, number)
            elif number in gaps:
                finding = self._after_gap(gaps[number])
            elif number and extent.begin_ns < self._extents[number - 1].end_ns:
                finding = self._overlapping(number)
            else:
                continue
            yield from self._few.one(finding) if finding else ()
        yield from self._few.end()

    def _goes_on(self, before: int, number: int) -> bool:
        """Whether rows count on from one part to the other, or overlap: those of filtered parts begin with 0 again."""
        one, two = self._extents[before], self._extents[number]
        return two.first_seq > one.last_seq or two.begin_ns < one.end_ns

    def _same_recording(self, before: int, number: int) -> Finding | None:
        one, two = self._extents[before], self._extents[number]
        missing = two.first_seq - one.last_seq - 1
        if missing > 0:
            return Finding(
                "warning",
                "parts",
                self._origins[number].name,
                f"{missing:,} rows ({duration_text((two.begin_ns - one.end_ns) / 1e9)}) are missing between "
                f"{self._origins[before].name} and this part.",
                "Look for the part or its journal (`arirecord recover …`).",
            )
        if missing < 0:
            return Finding(
                "error",
                "parts",
                self._origins[number].name,
                f"It overlaps {self._origins[before].name}: it begins with row {two.first_seq:,}, that one ends with "
                f"{one.last_seq:,}.",
                "The part is there twice.",
            )
        return None

    def _after_gap(self, gap: Gap) -> Finding:
        return Finding(
            "warning",
            "parts",
            self._origins[gap.part].name,
            f"Nothing was recorded for {duration_text((gap.end_ns - gap.begin_ns) / 1e9)}: from "
            f"{moment(gap.begin_ns // 1000)} to {moment(gap.end_ns // 1000)}, when this part begins.",
            "This time is a gap: metrics have NULL for unknown values of calls in it.",
        )

    def _overlapping(self, number: int) -> Finding:
        before, extent = self._extents[number - 1], self._extents[number]
        return Finding(
            "warning",
            "parts",
            self._origins[number].name,
            f"Another recording that begins at {moment(extent.begin_ns // 1000)}, "
            f"{duration_text((before.end_ns - extent.begin_ns) / 1e9)} before {self._origins[number - 1].name} ends.",
            "If both recorded the same Asterisk, calls count twice: read each by itself.",
        )
