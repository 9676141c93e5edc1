"""Tables of a report: calls by endpoint and trunk, queues, audio quality, holds, app reactions."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from .kpi_cards import written

__all__ = ["MODELS", "Breakdown", "breakdowns"]

MODELS = ("agent_calls", "app_latency", "holds", "int_legs", "kpis", "queue_calls", "rtp_quality")
_ROWS = 25

_KPIS = {
    "group_value": "{by}",
    "call_count": "calls",
    "attempt_count": "attempts",
    "asr_ratio": "ASR",
    "ner_ratio": "NER",
    "acd_s": "ACD",
    "pdd_p50_s": "PDD, median",
    "concurrent_peak_count": "peak",
    "erlangs": "traffic",
}
_QUEUES = """
    SELECT
        queue,
        count(*) AS entry_count,
        count(*) FILTER (outcome = 'answered') AS answered_count,
        count(*) FILTER (outcome = 'abandoned') AS abandoned_count,
        count(*) FILTER (outcome = 'answered') / NULLIF(count(outcome), 0) AS answered_ratio,
        median(wait_s) FILTER (outcome = 'answered') AS answered_wait_s,
        median(wait_s) FILTER (outcome = 'abandoned') AS abandoned_wait_s,
        max(wait_s) AS longest_wait_s
    FROM queue_calls
    GROUP BY queue
    ORDER BY entry_count DESC, queue
"""
_QUALITY = """
    SELECT
        legs.endpoint,
        quality.direction,
        count(*) AS leg_count,
        median(COALESCE(quality.mos, quality.listening_mos)) AS mos,
        min(COALESCE(quality.mos, quality.listening_mos)) AS worst_mos,
        sum(quality.lost_count) / NULLIF(sum(quality.packet_count), 0) AS loss_ratio,
        median(quality.jitter_ms) / 1000 AS jitter_s,
        median(quality.round_trip_ms) / 1000 AS round_trip_s
    FROM rtp_quality AS quality
    JOIN int_legs AS legs USING (channel_id)
    GROUP BY legs.endpoint, quality.direction
    HAVING count(quality.jitter_ms) > 0
    ORDER BY mos NULLS LAST, leg_count DESC, legs.endpoint, quality.direction
"""
_HOLDS = """
    SELECT
        legs.endpoint,
        count(*) AS hold_count,
        median(holds.hold_s) AS median_s,
        max(holds.hold_s) AS longest_s,
        count(*) FILTER (NOT holds.is_taken_back) AS unended_count
    FROM holds
    JOIN int_legs AS legs USING (channel_id)
    GROUP BY legs.endpoint
    ORDER BY hold_count DESC, legs.endpoint
"""
_APPS = """
    SELECT
        application,
        event_type,
        count(*) AS request_count,
        median(latency_ms) / 1000 AS median_s,
        quantile_cont(latency_ms, 0.95) / 1000 AS p95_s,
        max(latency_ms) / 1000 AS longest_s,
        count(*) FILTER (status >= 400) AS refused_count
    FROM app_latency
    WHERE event_type IS NOT NULL AND is_first
    GROUP BY application, event_type
    ORDER BY request_count DESC, application, event_type
"""
_AGENTS = """
    SELECT
        calls.call_id,
        COALESCE(legs.endpoint, 'playbacks') AS agent,
        agents.answer_count,
        agents.latency_p50_s,
        agents.latency_p95_s,
        agents.agent_interrupted_count,
        agents.unanswered_count,
        agents.longest_silence_s,
        CASE agents.is_contained WHEN true THEN 'yes' WHEN false THEN 'no' END AS is_contained,
        agents.unknown_reason
    FROM agent_calls AS agents
    JOIN calls ON calls.call_id = agents.call_id AND calls.server IS NOT DISTINCT FROM agents.server
    LEFT JOIN int_legs AS legs ON legs.channel_id = agents.agent_channel_id
    WHERE agents.answer_count > 0 OR agents.agent_channel_id IS NOT NULL
    ORDER BY agents.latency_p95_s DESC NULLS LAST, calls.call_id
"""


@dataclass(frozen=True)
class Breakdown:
    """A table: its `heads`, and `rows` of texts; `empty` is the text shown without rows."""

    title: str
    about: str
    empty: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def breakdowns(connection: duckdb.DuckDBPyConnection) -> Sequence[Breakdown]:
    """Return the tables of a whole recording, at most 25 rows each. Trunks have one if `trunks` is set."""
    ((trunks,),) = connection.execute("SELECT param_text('trunks')").fetchall()
    groups = [("endpoint", "By endpoint"), *([("trunk", "By trunk")] if trunks != "*" else [])]
    tables = [
        _table(
            connection,
            title,
            "Figures of the calls with a leg there; arirecord kpis --by has more.",
            "No calls recorded.",
            f"SELECT {', '.join(_KPIS)} FROM kpis(\"by\" := '{by}') WHERE group_value IS NOT NULL "
            "ORDER BY call_count DESC, group_value",
            [head.format(by=by) for head in _KPIS.values()],
        )
        for by, title in groups
    ]
    return [
        *tables,
        _table(
            connection,
            "Queues",
            "Waits in app_queue, in an app's holding bridge and in parking.",
            "No queue waits recorded.",
            _QUEUES,
            [
                "queue", "callers", "answered", "abandoned", "answered, share", "wait until answered, median",
                "wait until abandoned, median", "longest wait",
            ],
        ),
        _table(
            connection,
            "Audio quality",
            "By endpoint and direction, the worst first. MOS is rated from losses, jitter and round trip.",
            "No RTP statistics recorded.",
            _QUALITY,
            ["endpoint", "direction", "legs", "MOS, median", "MOS, worst", "lost", "jitter, median", "round trip"],
        ),
        _table(
            connection,
            "Holds",
            "Which endpoints put the other side on hold.",
            "No holds recorded.",
            _HOLDS,
            ["endpoint", "holds", "median", "longest", "held until transfer or end"],
        ),
        _table(
            connection,
            "Voice agents",
            "Response latency from the end of the caller's speech to the first sound of the agent, the slowest first.",
            "No calls with a voice agent recorded.",
            _AGENTS,
            [
                "call", "agent", "answers timed", "latency, median", "95th percentile", "interrupted", "not answered",
                "longest silence", "contained", "unknown",
            ],
        ),
        _table(
            connection,
            "App reactions",
            "Time from an event to the app's first request about it.",
            "No app requests recorded; arirecord tap records them.",
            _APPS,
            ["app", "event", "reactions", "median", "95th percentile", "longest", "refused"],
        ),
    ]  # fmt: skip


def _table(
    connection: duckdb.DuckDBPyConnection, title: str, about: str, empty: str, sql: str, heads: Sequence[str]
) -> Breakdown:
    result = connection.execute(sql)
    columns = [column[0] for column in result.description or ()]
    rows = result.fetchall()
    texts = [[_cell(column, value) for column, value in zip(columns, row, strict=True)] for row in rows[:_ROWS]]
    more = f" The first {_ROWS} of {len(rows):,}." if len(rows) > _ROWS else ""
    return Breakdown(title, about + more, empty, heads, texts)


def _cell(column: str, value: object) -> str:
    if value is None:
        return "–"
    return written(column, value) if isinstance(value, int | float) else str(value)
