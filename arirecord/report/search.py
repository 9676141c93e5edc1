"""Find calls: by id, channel, number or row, or those with problems."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from arirecord.analytics.call_lookup import LOOKUP_MODELS, has_id, has_number

from .call_rows import rows_at
from .linter_rules import PROBLEMS, RULES

__all__ = [
    "CALL_NAME", "MODELS", "OF_CALL", "FoundCall", "all_calls", "calls_of_row", "find_calls", "problems", "worst_calls",
]  # fmt: skip

MODELS = ("bridge_stays", "calls", "findings", *LOOKUP_MODELS)
"""The models that these functions read."""


@dataclass(frozen=True)
class FoundCall:
    """A call that was found. `name` is its `CALL_NAME`; `problem` its gravest rule and finding if calls were ranked."""

    call_id: str
    started_at: datetime | None
    caller: str | None
    dialled: str | None
    disposition: str | None
    duration_s: float | None
    server: str | None
    name: str
    problem: str = ""


OF_CALL = "problem_call_id = calls.call_id AND problem_server IS NOT DISTINCT FROM calls.server"
"""The condition that joins `problems()` to `calls`."""

CALL_NAME = """CASE
    WHEN calls.server IS NOT NULL AND (SELECT count(DISTINCT server) FROM calls) > 1
    THEN calls.call_id || ' on ' || calls.server
    ELSE calls.call_id
END"""
"""The name of a call: its id, with its server if the session has several, where an id can be a call on each."""

_CALL = f"""
    call_id, started_at, caller_number, COALESCE(dialled_exten, called_number), disposition, duration_s, calls.server,
    {CALL_NAME}
"""


def find_calls(connection: duckdb.DuckDBPyConnection, call: str) -> Sequence[FoundCall]:
    """Return calls by id, otherwise by number, as in `call_lookup`, in the order of their beginning."""
    by_id = _select(connection, has_id([call]), {})
    return by_id or _select(connection, has_number([call]), {})


def all_calls(connection: duckdb.DuckDBPyConnection) -> Sequence[FoundCall]:
    """Return all calls, in the order of their beginning."""
    return _select(connection, "true", {})


def worst_calls(
    connection: duckdb.DuckDBPyConnection, count: int | None = None, rules: Sequence[str] = RULES
) -> Sequence[FoundCall]:
    """Return at most `count` calls with a problem by one of these rules of the linter, the worst first.

    A call is ranked by its gravest finding, in the order of `rules.RULES`. The first call of each rule comes before the
    second of any, so that the beginning of a long list shows all rules.

    Raises `ValueError` for an unknown rule.
    """
    if unknown := [rule for rule in rules if rule not in RULES]:
        raise ValueError(f"no rule is named {unknown[0]}; there are {', '.join(RULES)}")
    rows = connection.execute(
        f"SELECT {_CALL}, rule || ': ' || finding FROM ({problems(rules)}) JOIN calls ON {OF_CALL} "
        "ORDER BY place LIMIT $most",
        {"most": count},
    ).fetchall()
    return [FoundCall(*row) for row in rows]


def problems(rules: Sequence[str] = RULES) -> str:
    """Return SQL for the calls with a problem: the gravest finding, and the `place` among these calls.

    `OF_CALL` joins it to `calls`: an id is one call on each server.
    """
    ranks = "[" + ", ".join(f"'{rule}'" for rule in RULES) + "]"
    return f"""
        WITH graves AS (
            SELECT
                call_id, server, rule, severity, finding, min(seq) OVER (PARTITION BY server, call_id) AS first_seq,
                list_position({ranks}, rule) AS rank
            FROM findings
            WHERE severity IN {PROBLEMS} AND list_contains({list(rules)}, rule)
            QUALIFY row_number() OVER (PARTITION BY server, call_id ORDER BY rank, seq) = 1
        ),

        turns AS (
            SELECT *, row_number() OVER (PARTITION BY rule ORDER BY first_seq, call_id) AS turn
            FROM graves
        )

        SELECT
            call_id AS problem_call_id, server AS problem_server, rule, severity, finding,
            row_number() OVER (ORDER BY turn, rank) AS place
        FROM turns
    """


def calls_of_row(connection: duckdb.DuckDBPyConnection, seq: int) -> Sequence[FoundCall]:
    """Return the calls of a row of the recording: those of its channels, otherwise of its bridge.

    Raises `LookupError` for a row that is not in the recording.
    """
    rows = rows_at(connection, [seq])
    if not rows:
        raise LookupError(f"no row {seq} is in the recording")
    words = re.findall(r"[^\s\"/?&=,{}\[\]\\]+", rows[0]["raw"])
    targets = [word.partition(":")[2] for word in words]
    values = {"ids": sorted({*words, *targets}), "seq": seq}
    in_bridge = "SELECT call_id FROM bridge_stays WHERE list_contains($ids, bridge_id)"
    for where in (
        "call_id IN (SELECT call_id FROM legs WHERE list_contains($ids, channel_id))",
        f"call_id IN ({in_bridge} AND COALESCE(entered_seq <= $seq, true) AND COALESCE(left_seq >= $seq, true))",
        # A bridge is created before channels enter it, and destroyed after all have left.
        f"call_id IN ({in_bridge})",
    ):
        if calls := _select(connection, where, values):
            return calls
    return []


def _select(connection: duckdb.DuckDBPyConnection, where: str, values: dict[str, Any]) -> Sequence[FoundCall]:
    sql = f"SELECT {_CALL} FROM calls WHERE {where} ORDER BY first_seq"
    named = {name: value for name, value in values.items() if f"${name}" in sql}
    return [FoundCall(*row) for row in connection.execute(sql, named).fetchall()]
