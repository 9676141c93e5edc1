"""Key figures of a report: names, formatted values and definitions."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from arirecord.analytics.models import describe

from .linter_rules import PROBLEMS

__all__ = ["Card", "cards", "written"]

_GROUPS = {
    "Calls": {
        "call_count": "Calls",
        "problem_count": "Calls with problems",
        "asr_ratio": "ASR",
        "ner_ratio": "NER",
        "acd_s": "ACD",
        "pdd_p50_s": "PDD, median",
        "pdd_p95_s": "PDD, 95th percentile",
    },
    "Traffic": {
        "concurrent_peak_count": "Concurrent calls, peak",
        "erlangs": "Traffic",
        "busy_hour_erlangs": "Busy hour",
        "cps": "Call rate",
    },
    "Queues": {
        "service_level_1_ratio": "Service level",
        "abandon_ratio": "Abandoned in queues",
        "asa_s": "Speed of answer",
    },
    "Attempts": {"attempt_count": "Attempts", "abr_ratio": "ABR", "ccr_ratio": "CCR"},
}
_MEANS = {
    "call_count": "Calls in the recording: rows of the table calls",
    "problem_count": "Calls in which the linter found an error or a warning",
}


@dataclass(frozen=True)
class Card:
    """One figure: its `column` in `kpis`, its name, its formatted value, and its definition."""

    column: str
    name: str
    value: str
    means: str


def cards(connection: duckdb.DuckDBPyConnection) -> Sequence[tuple[str, Sequence[Card]]]:
    """Return the known key figures of the whole recording, in groups; the most important come first."""
    relation = connection.sql("FROM kpis")
    rows = relation.fetchall()
    row = dict(zip(relation.columns, rows[0], strict=True)) if rows else {}
    ((row["call_count"], row["problem_count"]),) = connection.execute(
        f"SELECT (SELECT count(*) FROM calls), count(DISTINCT call_id) FROM findings WHERE severity IN {PROBLEMS}"
    ).fetchall()
    means = {**describe("kpis").columns, **_MEANS}
    groups = [
        (
            group,
            [
                Card(column, name, written(column, row[column]), means[column])
                for column, name in names.items()
                if row.get(column) is not None
            ],
        )
        for group, names in _GROUPS.items()
    ]
    return [(group, shown) for group, shown in groups if shown]


def written(column: str, value: float) -> str:
    """Format a figure with the unit in its column's name, to three digits, so that a small one is not 0."""
    if column.endswith("_ratio"):
        return f"{_three(value * 100)} %"
    if column.endswith("_s"):
        return _length(value)
    if column.endswith("erlangs"):
        return f"{_three(value)} E"
    if column == "cps":
        return f"{_three(value)}/s" if value >= 1 or not value else f"{_three(value * 3600)}/h"
    if column.endswith("mos"):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else _three(value)


def _three(value: float) -> str:
    """Format to three significant digits: `0.0135`, `2.46`, `1,240`."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def _length(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.3g} h"
    if seconds >= 120:
        return f"{seconds / 60:.3g} min"
    return f"{_three(seconds)} s" if seconds >= 1 else f"{_three(seconds * 1000)} ms"
