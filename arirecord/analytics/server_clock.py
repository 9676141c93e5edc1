"""Times of events: Asterisk's own, or the time of receipt where Asterisk's is missing or wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

from arirecord.session.reader import SessionFile

from .clock_steps import JUMP_US, ClockStep, find_steps
from .statement_runner import StatementRunner
from .views import SessionViews

__all__ = ["EARLIEST", "ServerClock", "read_clock", "recorder_time_macro", "time_macros"]

EARLIEST = "TIMESTAMP '2000-01-01'"
"""No Asterisk with ARI is older: an earlier time is that of a clock that was not set."""
_STEP_US = 10_000_000
"""A clock that goes back by more was set back. Events of a busy Asterisk can overtake each other by less."""
_BARE_STEP_US = 1_000_000
"""The same without times of receipt: nothing else shows a small step, and an import orders rows but for a second."""
_AHEAD_US = 60_000_000
"""A clock that gets ahead of the recorder's by more was set forward. Logs may round times of receipt to minutes."""
_DAY_US = 86_400_000_000
"""Clocks that differ by more are not compared."""
_STEPS = 50
"""A stream whose times fall more often is not in order; its clock was not set that often."""

_BOUNDS = f"""
SELECT
    count(*) - count(timestamp),
    COALESCE(bool_and(received_at = timestamp), true),
    COALESCE(bool_and(received_at IN (last_received_at, next_received_at)) FILTER (timestamp IS NULL), true),
    COALESCE(max(epoch_us(last_at) - epoch_us(timestamp)), 0),
    COALESCE(min(timestamp) < {EARLIEST}, false),
    COALESCE(
        -- A recorder that was behind and catches up is not a clock that was set.
        bool_or(is_ahead AND last_ahead_us BETWEEN -{_AHEAD_US} AND {_DAY_US})
        -- Receipts that hardly advance are the times of a copy.
        AND 2 * (epoch_us(max(received_at)) - epoch_us(min(received_at)))
            >= sum(greatest(epoch_us(timestamp) - epoch_us(last_at), 0)) FILTER (NOT is_ahead),
        false
    ),
    COALESCE(bool_or(abs(late_us - last_late_us) >= {JUMP_US}), false)
FROM (
    SELECT
        timestamp, received_at,
        elapsed_ns // 1000 - epoch_us(timestamp) AS late_us,
        lag(late_us IGNORE NULLS) OVER (ORDER BY seq) AS last_late_us,
        epoch_us(timestamp) - epoch_us(received_at) AS ahead_us,
        max(ahead_us) OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last_ahead_us,
        ahead_us > last_ahead_us + {_AHEAD_US} AS is_ahead,
        lag(timestamp IGNORE NULLS) OVER (ORDER BY seq) AS last_at,
        lag(received_at) OVER (ORDER BY seq) AS last_received_at,
        lead(received_at) OVER (ORDER BY seq) AS next_received_at
    FROM events
)
"""
_SETBACKS = f"""
WITH steps AS (
    SELECT
        seq, timestamp, received_at,
        max(timestamp) OVER earlier AS last_at,
        max(received_at) OVER earlier AS last_received_at
    FROM events
    WHERE timestamp IS NOT NULL
    WINDOW earlier AS (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),

judged AS (
    SELECT
        seq, received_at,
        epoch_us(last_received_at) - epoch_us(received_at) > {{least_us}} AS is_receipt_behind,
        COALESCE(epoch_us(last_at) - epoch_us(timestamp) > {{least_us}}, false)
            OR (timestamp < {EARLIEST} AND (SELECT max(timestamp) FROM events) >= {EARLIEST}) AS is_behind
    FROM steps
),

edges AS (
    SELECT seq, is_behind, lead(seq) OVER (ORDER BY seq) AS end_seq
    FROM (
        SELECT seq, is_behind, is_behind IS DISTINCT FROM lag(is_behind, 1, false) OVER (ORDER BY seq) AS is_edge
        FROM judged
    )
    WHERE is_edge
    ORDER BY seq
    LIMIT {2 * _STEPS}
),

lives AS (
    SELECT min(seq) AS first_seq, max(seq) AS last_seq FROM channel_events GROUP BY channel_id
),

-- Later times of a channel cannot be compared with those before the step.
ranges AS (
    SELECT
        edges.seq,
        CASE WHEN end_seq IS NOT NULL THEN greatest(end_seq, max(last_seq) + 1) END AS end_seq
    FROM edges
    LEFT JOIN lives ON lives.first_seq < edges.seq AND lives.last_seq >= edges.seq
    WHERE edges.is_behind
    GROUP BY edges.seq, end_seq
)

SELECT
    (SELECT COALESCE(bool_or(is_receipt_behind), false) OR min(received_at) < {EARLIEST} FROM judged),
    (SELECT list((seq, end_seq) ORDER BY seq) FROM ranges)
"""
"""Rows from where times go back by more than `least_us` to where they do not, each with the row behind them."""


@dataclass(frozen=True)
class ServerClock:
    """The clock of one Asterisk, as its events show it.

    has_untimed: some events have no timestamp.
    is_wrong: the clock was set or not set, and the time of receipt is right: it replaces all timestamps.
    unknown: intervals of `seq`, the last one exclusive (None: no end), in which no time is known, because the clock
        was set back and the time of receipt is not right either.
    steps: small steps of the clock, by which later times are corrected.
    """

    has_untimed: bool = False
    is_wrong: bool = False
    unknown: tuple[tuple[int, int | None], ...] = ()
    steps: tuple[ClockStep, ...] = ()


def read_clock(runner: StatementRunner, views: SessionViews) -> ServerClock:
    """Return what the view `events` shows of the clock."""
    (bounds,) = runner.rows(views.written_into(_BOUNDS))
    untimed_count, is_same, is_invented, fall_us, is_unset, is_ahead, has_jump = bounds
    # An import without times of receipt uses the timestamps instead; for an untimed event, the last one before it.
    has_untimed = untimed_count > 0 and not (is_same and is_invented)
    least_us = _BARE_STEP_US if is_same else _STEP_US
    if fall_us <= least_us and not is_unset and not is_ahead:
        return ServerClock(has_untimed, steps=tuple(find_steps(runner, views)) if has_jump else ())
    ((is_receipt_wrong, ranges),) = runner.rows(views.written_into(_SETBACKS.format(least_us=least_us)))
    ranges = ranges or []
    if len(ranges) == _STEPS:
        return ServerClock(has_untimed)
    if not is_receipt_wrong:
        return ServerClock(has_untimed, is_wrong=bool(ranges) or is_unset or is_ahead)
    if not is_unset and (steps := find_steps(runner, views)):
        return ServerClock(steps=tuple(steps))
    return ServerClock(has_untimed, unknown=tuple(ranges))


def time_macros(clock: ServerClock) -> Iterator[str]:
    """Return the statements that create the macros by which staging models read times.

    `event_time` is the time of an event, `is_receipt_time` whether that is the time of receipt, and `snapshot_time`
    another time by Asterisk's clock.
    """
    event_time, is_receipt, snapshot_time = "own_at", "false", "own_at"
    if clock.steps:
        ahead = " + ".join(f"CASE WHEN at_seq >= {step.seq} THEN {step.ahead_us} ELSE 0 END" for step in clock.steps)
        event_time = f"own_at - to_microseconds({ahead})"
        # A thing seen after the step can have been made before it.
        snapshot_time = f"CASE WHEN at_seq < {clock.steps[0].seq} THEN own_at END"
    if clock.has_untimed:
        event_time = f"COALESCE({event_time}, CASE WHEN receipt_at >= {EARLIEST} THEN receipt_at END)"
        is_receipt = "own_at IS NULL"
    if clock.is_wrong:
        event_time, is_receipt, snapshot_time = "receipt_at", "true", "NULL::TIMESTAMP"
    if clock.unknown:
        ranges = " OR ".join(
            f"at_seq >= {begin}" + (f" AND at_seq < {end}" if end is not None else "") for begin, end in clock.unknown
        )
        event_time, is_receipt = f"CASE WHEN {ranges} THEN NULL ELSE own_at END", "false"
        snapshot_time = f"CASE WHEN {ranges} OR own_at < {EARLIEST} THEN NULL ELSE own_at END"
    yield f"CREATE MACRO event_time(own_at, receipt_at, at_seq) AS {event_time}"
    yield f"CREATE MACRO is_receipt_time(own_at) AS {is_receipt}"
    yield f"CREATE MACRO snapshot_time(own_at, at_seq) AS {snapshot_time}"


def recorder_time_macro(session: SessionFile | None) -> str:
    """Return the statement that creates `recorder_time`: receipt by the recorder's monotonic clock.

    NULL behind the last part whose rows are known: guests of a window can be of another recording.
    """
    starts: dict[int, int] = {}  # by the first row of each recording
    last_seq = -1
    for part, shift in zip(session.parts, session.seq_shifts, strict=False) if session else ():
        if part.extent:
            if [*starts.values()][-1:] != [part.extent.started_ns]:
                starts[part.extent.first_seq + shift] = part.extent.started_ns
            last_seq = max(last_seq, part.extent.last_seq + shift)
    cases = "".join(f" WHEN at_seq >= {seq} THEN {ns}" for seq, ns in reversed(starts.items()))
    started_ns = f"CASE WHEN at_seq > {last_seq} THEN NULL{cases} END"
    return f"CREATE MACRO recorder_time(elapsed, at_seq) AS make_timestamp(({started_ns} + elapsed) // 1000)"
