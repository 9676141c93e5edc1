"""What holds for the rows of every recording: what descriptions of marts declare, and invariants across columns."""

from collections.abc import Iterator

import duckdb

from arirecord.analytics.models import describe, load_models
from arirecord.analytics.views import name, text

__all__ = ["violations"]

MARTS = sorted(model.name for model in load_models() if model.layer == "marts")
# Asterisk's events of two channels can overtake each other by some milliseconds.
_OVERTAKE_S = 0.1
_LENGTHS = ("_s", "_ms", "_count", "erlangs", "cps")
ACROSS = {
    "a part of a call lasts longer than it": """FROM calls
        WHERE greatest(ring_s, talk_s, hold_s, wait_s) > duration_s + 0.1 AND transfer_count = 0""",
    "a channel is bridged longer than it exists": """FROM legs
        WHERE bridged_s > (epoch_ms(ended_at) - epoch_ms(started_at)) / 1000 + 0.1""",
    "a channel is in its call more than once": "FROM legs GROUP BY server, channel_id, first_seq HAVING count(*) > 1",
    "a call has other channels than its row says": """FROM calls
        LEFT JOIN (SELECT server, call_id, count(*) AS found_count FROM legs GROUP BY ALL) AS found
            ON found.call_id = calls.call_id AND found.server IS NOT DISTINCT FROM calls.server
        WHERE found_count IS DISTINCT FROM channel_count""",
    "a channel speaks longer than it exists": """FROM talk JOIN legs USING (channel_id, first_seq)
        WHERE spoken_s > (epoch_ms(legs.ended_at) - epoch_ms(legs.started_at)) / 1000 + 0.1""",
    "a part of a call begins before it or ends after it": """FROM calls JOIN legs USING (call_id)
        WHERE legs.server IS NOT DISTINCT FROM calls.server
            AND (legs.first_seq < calls.first_seq OR legs.last_seq > calls.last_seq)""",
    "more attempts are answered than were made": """FROM kpis
        WHERE answered_count > attempt_count OR seizure_count > attempt_count""",
    "a trunk call lacks the trunk before it": """FROM trunk_calls
        WHERE hop > 1 AND NOT EXISTS (
            FROM trunk_calls AS before
            WHERE before.to_call_id = trunk_calls.from_call_id AND before.hop = trunk_calls.hop - 1
                AND before.to_server IS NOT DISTINCT FROM trunk_calls.from_server
                AND before.origin_call_id = trunk_calls.origin_call_id
        )""",
    "a first trunk call is not of its origin": """FROM trunk_calls
        WHERE hop = 1 AND origin_call_id <> from_call_id""",
    "shares of events do not add up": """FROM event_volume
        GROUP BY server
        HAVING abs(sum(event_ratio) - 1) > 0.001""",
    "more channels are open than there are": """FROM concurrency
        WHERE open_count < 0 OR open_count > (SELECT count(*) FROM calls)""",
}
"""What must have no rows."""


def violations(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Everything that does not hold for the rows of a connection with all models."""
    found = [what for mart in MARTS for what in _declared(con, mart)]
    return found + [what for what, query in ACROSS.items() if con.execute(f"SELECT 1 {query}").fetchall()]


def _declared(con: duckdb.DuckDBPyConnection, mart: str) -> Iterator[str]:
    said = describe(mart)
    columns = [column for column, *_ in con.execute(f"DESCRIBE FROM {mart}").fetchall()]

    def server(column: str) -> str:
        """The column with the server of an id; a mart of all servers has one for each: `from_server`."""
        return "server" if "server" in columns else f"{column.partition('_')[0]}_server"

    checks = {f"{mart}.{column} is NULL": f"{name(column)} IS NULL" for column in said.not_null}
    for column, values in said.accepted_values.items():
        checks[f"{mart}.{column} is none of {values}"] = f"{name(column)} NOT IN ({', '.join(map(text, values))})"
    for column, (other, _, key) in ((c, target.partition(".")) for c, target in said.relationships.items()):
        checks[f"{mart}.{column} is not in {other}"] = f"""{name(column)} IS NOT NULL AND NOT EXISTS (
            FROM {other} AS others
            WHERE others.{key} = {mart}.{name(column)} AND others.server IS NOT DISTINCT FROM {mart}.{server(column)}
        )"""
    for column in columns:
        if column.endswith(_LENGTHS) and "offset" not in column:
            checks[f"{mart}.{column} is negative"] = f"TRY_CAST({name(column)} AS DOUBLE) < 0"
    for begin, end in (("started_at", "ended_at"), ("entered_at", "left_at")):
        if {begin, end} <= {*columns}:
            checks[f"{mart}.{end} is before {begin}"] = f"epoch_ms({end}) < epoch_ms({begin}) - {_OVERTAKE_S * 1000}"
    key = f"({', '.join(map(name, said.key))})"
    counted = [f"count(*) > count(DISTINCT {key})", *(f"bool_or({condition})" for condition in checks.values())]
    (results,) = con.execute(f"SELECT {', '.join(counted)} FROM {mart}").fetchall()
    labels = [f"{mart} has two rows with the same {said.key}", *checks]
    yield from (label for label, is_wrong in zip(labels, results, strict=True) if is_wrong)
