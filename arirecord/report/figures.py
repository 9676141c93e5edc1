"""The key figures of a report: names, values as people write them, and what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from arirecord.analytics.models import describe

__all__ = ["Card", "cards"]

_NAMES = {
    "call_count": "Calls",
    "attempt_count": "Attempts",
    "asr_ratio": "ASR",
    "ner_ratio": "NER",
    "abr_ratio": "ABR",
    "ccr_ratio": "CCR",
    "acd_s": "ACD",
    "pdd_p50_s": "PDD, median",
    "pdd_p95_s": "PDD, 95th percentile",
    "concurrent_peak_count": "Concurrent calls, peak",
    "erlangs": "Traffic",
    "busy_hour_erlangs": "Busy hour",
    "cps": "Calls per second",
    "service_level_1_ratio": "Service level",
    "abandon_ratio": "Abandoned in queues",
    "asa_s": "Speed of answer",
}


@dataclass(frozen=True)
class Card:
    """One figure: its `column` in `kpis`, its name, its value for reading, and its definition."""

    column: str
    name: str
    value: str
    means: str


def cards(connection: duckdb.DuckDBPyConnection) -> Sequence[Card]:
    """The key figures of the whole recording that it can know; the others are left out."""
    relation = connection.sql("FROM kpis")
    rows = relation.fetchall()
    row = dict(zip(relation.columns, rows[0], strict=True)) if rows else {}
    means = describe("kpis").columns
    return [
        Card(column, name, _written(column, row[column]), means[column])
        for column, name in _NAMES.items()
        if row.get(column) is not None
    ]


def _written(column: str, value: float) -> str:
    if column.endswith("_ratio"):
        return f"{value * 100:.1f} %"
    if column.endswith("_s"):
        return f"{value:,.0f} s" if value >= 100 else f"{value * 1000:,.0f} ms" if value < 1 else f"{value:.1f} s"
    if column.endswith("erlangs"):
        return f"{value:,.1f} E"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
