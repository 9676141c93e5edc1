"""Clocks: the recorder's wall clock against its monotonic one, and Asterisk's against the recorder's."""

from collections.abc import Iterator
from math import inf

import polars as pl

from arirecord.select.units import duration_text

from .findings import Few, Finding, moment
from .row_batches import Batch, Origin

__all__ = ["SwitchClock", "WallClock"]

_JUMP_US = 100_000
"""The two clocks are read one after the other, and the machine can be busy in between; a jump is more than this."""
_SLEW_US = 1_000_000
_BLOCK = 32
"""Delays vary from event to event: the median of this number of delays is compared."""
_SHIFT_MS = 1_000
_EARLIEST_MS = 946_684_800_000
"""The year 2000: no Asterisk with ARI is older."""


class WallClock:
    """Checks that `received_at` and `elapsed_ns` advance together."""

    def __init__(self) -> None:
        self._origin: Origin | None = None
        self._offset = self._first = self._jumped = 0
        self._few = Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        origin = batch.origin
        frame = batch.frame.select("seq", offset=pl.col("received_at") - pl.col("elapsed_ns") // 1000)
        if self._origin is None or self._origin.started_ns != origin.started_ns:
            yield from self._slew()
            self._first = self._offset = frame["offset"][0]
            self._jumped = 0
            yield from self._begin(origin, frame["seq"][0])
        self._origin = origin
        frame = frame.with_columns(jump=pl.col("offset") - pl.col("offset").shift(fill_value=self._offset))
        self._offset = frame["offset"][-1]
        # Import holds elapsed_ns while its lines go back in time, and catches up afterwards: no clock jumps.
        is_jump = pl.col("jump") <= -_JUMP_US if origin.verb == "import" else pl.col("jump").abs() >= _JUMP_US
        jumps = frame.filter(is_jump)
        self._jumped += int(jumps["jump"].sum())
        yield from self._few.take(jumps, lambda row: _jump(origin, row["seq"], row["jump"]))

    def _begin(self, origin: Origin, seq: int) -> Iterator[Finding]:
        since_start_us = self._offset - origin.started_ns // 1000
        if seq == 0 and abs(since_start_us) >= _SLEW_US:
            yield Finding(
                "error",
                "header",
                origin.name,
                f"By its header the recording began at {moment(origin.started_ns // 1000)}, by its first row at "
                f"{moment(self._offset)}.",
                "Times that replay and `--since` use are wrong by that much.",
            )

    def _slew(self) -> Iterator[Finding]:
        if self._origin is None or self._origin.verb == "import":
            return
        slew = self._offset - self._first - self._jumped
        if abs(slew) >= _SLEW_US:
            way = "fast" if slew > 0 else "slow"
            yield Finding(
                "note",
                "clock",
                self._origin.name,
                f"The wall clock gradually ran {duration_text(slew / 1e6)} {way} against the monotonic one.",
            )

    def end(self) -> Iterator[Finding]:
        yield from self._slew()
        yield from self._few.end()


def _jump(origin: Origin, seq: int, jump_us: int) -> Finding:
    span = duration_text(jump_us / 1e6)
    if origin.verb == "import":
        return Finding(
            "warning",
            "clock",
            origin.at(seq),
            f"received_at goes back by {span}: the imported lines are not in the order of time.",
            "Import the streams in the order of their times, or each into a session of its own.",
        )
    way = "forwards" if jump_us > 0 else "backwards"
    return Finding(
        "warning",
        "clock",
        origin.at(seq),
        f"The recorder's wall clock jumped {way} by {span}.",
        "received_at is wrong before or after it; elapsed_ns and replay are not affected.",
    )


class SwitchClock:
    """Checks that an event's `timestamp` was set, and that the time to its receipt has no jumps and is small."""

    def __init__(self) -> None:
        self._origin: Origin | None = None
        self._rest: pl.DataFrame | None = None
        self._level: float | None = None
        self._least, self._most = inf, -inf
        self._is_unset = False
        self._few = Few()

    def rows(self, batch: Batch) -> Iterator[Finding]:
        origin = batch.origin
        if self._origin is None or self._origin.started_ns != origin.started_ns:
            yield from self._finish()
            self._level, self._least, self._most, self._is_unset = None, inf, -inf, False
        self._origin = origin
        # A jump of the recorder's wall clock is not one of Asterisk's: use the monotonic clock if there is one.
        receipt_ms = (
            pl.col("received_at") // 1000
            if origin.verb == "import"
            else (pl.col("elapsed_ns") + origin.started_ns) // 1_000_000
        )
        delays = batch.events.filter(pl.col("timestamp").is_not_null())
        unset = delays.filter(pl.col("timestamp") < _EARLIEST_MS)
        if unset.height and not self._is_unset:
            self._is_unset = True
            yield Finding(
                "warning",
                "switch-clock",
                origin.at(unset["seq"][0]),
                f"Asterisk's clock was not set: the event is of {moment(unset['timestamp'][0] * 1000)}.",
                "Run NTP on the PBX. Tables have times of receipt instead; without these, times are wrong or NULL.",
            )
        delays = delays.select("seq", delay=receipt_ms - pl.col("timestamp"))
        if self._rest is not None:
            delays = pl.concat([self._rest, delays])
        whole = delays.height // _BLOCK * _BLOCK
        self._rest = delays[whole:]
        yield from self._blocks(delays[:whole])

    def _blocks(self, delays: pl.DataFrame) -> Iterator[Finding]:
        origin = self._origin
        if origin is None or not delays.height:
            return
        blocks = delays.group_by(pl.int_range(pl.len()) // _BLOCK, maintain_order=True).agg(
            pl.col("seq").first(), pl.col("delay").median()
        )
        levels = blocks["delay"].to_list()
        self._least, self._most = min(self._least, *levels), max(self._most, *levels)
        blocks = blocks.with_columns(before=pl.col("delay").shift(fill_value=self._level))
        self._level = blocks["delay"][-1]
        yield from self._few.take(
            blocks.filter((pl.col("delay") - pl.col("before")).abs() >= _SHIFT_MS),
            lambda row: Finding(
                "warning",
                "switch-clock",
                origin.at(row["seq"]),
                f"About here the time from an event's timestamp to its receipt changes by "
                f"{_signed(row['delay'] - row['before'])}, from {_signed(row['before'])} to {_signed(row['delay'])}.",
                "Asterisk's clock was set, or events came late: durations across it may be wrong.",
            ),
        )

    def _finish(self) -> Iterator[Finding]:
        if self._origin is None:
            return
        if self._rest is not None:
            # Too few for a reliable median, unless there are no others.
            if self._rest.height >= _BLOCK // 4 or self._level is None:
                yield from self._blocks(self._rest)
            self._rest = None
        # An event can be late for many reasons; only if all are late, or all early, the clock is wrong.
        is_behind, is_ahead = inf > self._least >= _SHIFT_MS, -inf < self._most <= -_SHIFT_MS
        if (is_behind or is_ahead) and not self._is_unset:
            offset, way = (self._least, "behind") if is_behind else (self._most, "ahead of")
            yield Finding(
                "note",
                "switch-clock",
                self._origin.name,
                f"Asterisk's clock is {duration_text(offset / 1000)} {way} the recorder's.",
                "Synchronize both by NTP; metrics use only Asterisk's clock and are not affected.",
            )

    def end(self) -> Iterator[Finding]:
        yield from self._finish()
        yield from self._few.end()


def _signed(delay_ms: float) -> str:
    return ("−" if delay_ms < 0 else "") + duration_text(delay_ms / 1000)
