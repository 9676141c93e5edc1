"""Which calls are meant: by id, channel, number, or the worst ones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest

import duckdb

__all__ = ["MODELS", "WORST_BY", "Found", "all_calls", "find_calls", "worst_calls"]

MODELS = ("calls", "channels", "holds", "legs", "transfers")
"""The models that these functions read."""

WORST_BY = ("transfer", "cause", "hold")
"""What `worst_calls` can rank by: failed transfers, hangup causes that speak of a fault, longest hold."""

_SAME_ENDING = 7
"""Digits at the end that make two numbers one, written with and without country or area."""


@dataclass(frozen=True)
class Found:
    """A call that was found, and `why`."""

    call_id: str
    started_at: datetime | None
    caller: str | None
    dialled: str | None
    disposition: str | None
    duration_s: float | None
    why: str


_CALL = "call_id, started_at, caller_number, COALESCE(dialled_exten, called_number), disposition, duration_s"


def find_calls(connection: duckdb.DuckDBPyConnection, wanted: str) -> Sequence[Found]:
    """Calls in the order of their beginning that `wanted` means.

    It is tried as a call's id, then as a channel's id or name, then as a number: of any channel, called or dialled,
    whatever signs stand between its digits; with at least 7 digits also without the country or area before them.
    """
    for where, why in (
        ("call_id = $wanted", "call id"),
        ("call_id IN (SELECT call_id FROM legs WHERE channel_id = $wanted OR channel_name = $wanted)", "channel"),
    ):
        if found := _select(connection, where, why, {"wanted": wanted}):
            return found
    number = _digits(wanted)
    if not number:
        return []
    for is_same in (
        "{0} = $number",
        "(len({0}) >= {1} AND len($number) >= {1} AND right({0}, {1}) = right($number, {1}))",
    ):
        found = _select(connection, _of_numbers(is_same), f"number {wanted}", {"number": number})
        if found:
            return found
    return []


def all_calls(connection: duckdb.DuckDBPyConnection) -> Sequence[Found]:
    """All calls, in the order of their beginning."""
    return _select(connection, "true", "all calls", {})


def _of_numbers(is_same: str) -> str:
    def any_of(*columns: str) -> str:
        digits = [f"regexp_replace(COALESCE({column}, ''), '[^0-9*#a-zA-Z_]', '', 'g')" for column in columns]
        return " OR ".join(is_same.format(column, _SAME_ENDING) for column in digits)

    known = any_of(*(f"channels.{name}" for name in _NUMBERS))
    return (
        f"{any_of('dialled_exten', 'called_number')} OR call_id IN "
        f"(SELECT legs.call_id FROM legs JOIN channels USING (channel_id) WHERE {known})"
    )


_NUMBERS = (
    "caller_number", "last_caller_number", "connected_number", "last_connected_number", "exten", "last_exten",
)  # fmt: skip


def _digits(number: str) -> str:
    """Without what people put between digits, and without a leading + or 00."""
    return re.sub(r"^00(?=\d{6})", "", re.sub(r"[^0-9*#a-zA-Z_]", "", number))


def worst_calls(connection: duckdb.DuckDBPyConnection, count: int, by: Sequence[str] = WORST_BY) -> Sequence[Found]:
    """At most `count` calls in which most went wrong: the worst of each kind in `by` in turn, each call once.

    Raises `ValueError` for a kind that is not in `WORST_BY`.
    """
    for kind in by:
        if kind not in WORST_BY:
            raise ValueError(f"calls are not ranked by {kind}; there are {', '.join(WORST_BY)}")
    ranked = [_ranked(connection, kind, count) for kind in by]
    found: dict[str, Found] = {}
    for call in chain.from_iterable(zip_longest(*ranked)):
        if call is not None:
            found.setdefault(call.call_id, call)
    return list(found.values())[:count]


_RANKS = {
    "transfer": """
        SELECT call_id, count(*) AS badness, 'transfer failed: ' || any_value(result) AS why
        FROM transfers WHERE result <> 'Success' GROUP BY call_id""",
    # A cause of the network or of Asterisk itself before that of a wrong number; busy and the like not at all.
    "cause": """
        SELECT
            call_id,
            max(CASE WHEN hangup_cause IN (34, 38, 41, 42, 44, 47, 58, 63, 66, 102) THEN 3
                WHEN hangup_cause IN (3, 20, 27, 50, 57, 65, 69, 88, 111) THEN 2 ELSE 1 END) AS badness,
            'ended with ' || arg_max(hangup_cause || ' ' || COALESCE(hangup_cause_txt, ''), hangup_cause) AS why
        FROM legs
        WHERE hangup_cause NOT IN (0, 16, 17, 18, 19, 21, 23, 26, 31) AND COALESCE(tech_cause, 0) <> 487
        GROUP BY call_id""",
    "hold": """
        SELECT call_id, max(hold_s) AS badness, 'held for ' || round(max(hold_s), 1) || ' s' AS why
        FROM holds WHERE hold_s IS NOT NULL GROUP BY call_id""",
}


def _ranked(connection: duckdb.DuckDBPyConnection, kind: str, count: int) -> Sequence[Found]:
    rows = connection.execute(
        f"SELECT {_CALL}, worst.why FROM ({_RANKS[kind]}) AS worst JOIN calls USING (call_id) "
        "ORDER BY worst.badness DESC, first_seq LIMIT ?",
        [count],
    ).fetchall()
    return [Found(*row) for row in rows]


def _select(connection: duckdb.DuckDBPyConnection, where: str, why: str, values: dict[str, str]) -> Sequence[Found]:
    sql = f"SELECT {_CALL}, $why FROM calls WHERE {where} ORDER BY first_seq"
    return [Found(*row) for row in connection.execute(sql, {**values, "why": why}).fetchall()]
