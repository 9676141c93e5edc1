"""Small steps of Asterisk's clock: the time from an event to its receipt changes once, and stays.

A delay looks alike only for a while: events that waited are received in a burst, and later ones without it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from .statement_runner import StatementRunner
from .views import SessionViews

__all__ = ["JUMP_US", "ClockStep", "find_steps"]

JUMP_US = 500_000
"""Shortest step that is looked for. Delays from event to event differ by less."""
_MOST = 50
"""Receipt is irregular in a recording with more jumps."""
_JITTERS = 4
"""A step is at least this many times the jitter on both sides."""
_LEAST_SPAN_US = 1_000_000
"""The side with the longer delay must last this long: a burst does not."""
_FUTURE_US = -250_000
"""An event received earlier than this, before its own time, was sent by a clock that is ahead."""

_PLATEAUS = f"""
WITH timed AS (
    SELECT
        seq, elapsed_ns // 1000 AS at_us, epoch_us(received_at) AS received_us, epoch_us(timestamp) AS own_us,
        at_us - own_us + arg_min(received_us - at_us, seq) OVER () AS late_us
    FROM events
    WHERE timestamp IS NOT NULL
),

compared AS (
    SELECT
        *,
        own_us - lag(own_us) OVER by_seq AS advance_us,
        COALESCE(abs(late_us - lag(late_us) OVER by_seq) >= {JUMP_US}, false) AS is_jump
    FROM timed
    WINDOW by_seq AS (ORDER BY seq)
),

numbered AS (
    SELECT *, count(*) FILTER (is_jump) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS plateau
    FROM compared
)

SELECT
    min(seq), count(*), min(late_us), quantile_disc(late_us, 0.9) - min(late_us), max(at_us) - min(at_us),
    arg_min(advance_us, seq)
FROM numbered
GROUP BY plateau
ORDER BY plateau
"""
_FALLS = f"""
SELECT COALESCE(bool_or(received_us < last_us - {JUMP_US} AND elapsed_ns = last_ns), false)
FROM (
    SELECT
        epoch_us(received_at) AS received_us, elapsed_ns,
        lag(received_us) OVER by_seq AS last_us,
        lag(elapsed_ns) OVER by_seq AS last_ns
    FROM events
    WINDOW by_seq AS (ORDER BY seq)
)
"""


class ClockStep(NamedTuple):
    """From the row `seq` on, Asterisk's clock shows `ahead_us` microseconds more than before."""

    seq: int
    ahead_us: int


@dataclass(frozen=True)
class _Plateau:
    """Consecutive events without a jump of the delay from their own time to their receipt.

    late_us: the shortest delay; jitter_us: what nine of ten delays exceed it by at most.
    span_us: receipt of the first to that of the last. advance_us: own time since the event before.
    """

    seq: int
    count: int
    late_us: int
    jitter_us: int
    span_us: int
    advance_us: int | None

    @property
    def is_steady(self) -> bool:
        """Whether events were received at the pace at which they were sent."""
        return self.count > 1 and self.jitter_us <= self.span_us / _JITTERS + JUMP_US / 10


def find_steps(runner: StatementRunner, views: SessionViews) -> Sequence[ClockStep]:
    """Return the steps of a server's clock that one recording of it shows beyond doubt, in order.

    Receipts are compared by the recorder's monotonic clock. If receipts go back and it stands still, there was none,
    and nothing is known about Asterisk's. Parts of a lake show no steps: a table must not depend on which other parts
    are read.
    """
    if not views.is_one_recording:
        return []
    plateaus = [_Plateau(*row) for row in runner.rows(views.written_into(_PLATEAUS))]
    ((is_receipt_wrong,),) = runner.rows(views.written_into(_FALLS))
    if len(plateaus) > _MOST or is_receipt_wrong:
        return []
    return list(_steps([plateau for plateau in plateaus if plateau.is_steady]))


def _steps(plateaus: Sequence[_Plateau]) -> Iterator[ClockStep]:
    for before, after in pairwise(plateaus):
        change_us = after.late_us - before.late_us
        if abs(change_us) >= max(JUMP_US, _JITTERS * max(before.jitter_us, after.jitter_us)) and (
            _is_set_back(after, change_us) if change_us > 0 else _is_set_forward(before, after, change_us)
        ):
            yield ClockStep(after.seq, -change_us)


def _is_set_back(after: _Plateau, change_us: int) -> bool:
    """Return whether later events did not wait: times fall, or the delay lasts longer than such a wait."""
    is_falling = after.advance_us is not None and after.advance_us < -JUMP_US / 2
    return after.span_us >= (_LEAST_SPAN_US if is_falling else change_us)


def _is_set_forward(before: _Plateau, after: _Plateau, change_us: int) -> bool:
    """Return whether earlier events did not wait: later ones are of the future, or the delay lasted long."""
    is_future = after.late_us < _FUTURE_US < before.late_us
    return before.span_us >= (_LEAST_SPAN_US if is_future else -change_us)
