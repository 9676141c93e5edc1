"""Queries of a mart: which rows, of which calls, in which order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from arirecord.select.units import parse_bucket
from arirecord.suggest import unknown_name

from .call_lookup import LOOKUP_MODELS, has_id, has_number
from .models import load_models, mart_names
from .views import name, text

__all__ = ["DISPOSITIONS", "GROUPS", "TableQuery", "from_mart", "models_asked", "sql_of", "time_column", "within_times"]

GROUPS = ("trunk", "prefix", "application", "endpoint", "origin", "server")
"""Groups of KPIs, for `by`."""
DISPOSITIONS = ("ANSWERED", "BUSY", "CANCEL", "CONGESTION", "FAILED", "NO ANSWER")
"""The dispositions that a call can have."""
_TIMES = ("started_at", "transferred_at", "created_at", "begun_at", "changed_at", "bucket_at")
_ORDER = (
    "bucket_at", "group_value", "changed_at", "first_seq", "seq", "turn_seq",
    "started_at", "entered_at", "reported_at", "answered_at", "first_set_at",
)  # fmt: skip


@dataclass(frozen=True)
class TableQuery:
    """A query of a mart. Conditions that are not given do not limit the rows.

    times: intervals in UTC of the mart's `time_column`, each a beginning (inclusive) and an end (exclusive; None: no
        limit). A row must be in one of them.
    numbers, calls: numbers and ids as in `call_lookup`. These and `dispositions` keep rows of the calls that match one.
    where: a condition in SQL.
    sort: names of columns; `-name` sorts in descending order.
    """

    mart: str
    columns: Sequence[str] = ()
    times: Sequence[tuple[datetime | None, datetime | None]] = ()
    numbers: Sequence[str] = ()
    dispositions: Sequence[str] = ()
    calls: Sequence[str] = ()
    where: str | None = None
    sort: Sequence[str] = ()
    limit: int | None = None
    bucket: timedelta | str | None = None
    by: str | None = None


def time_column(columns: Collection[str]) -> str | None:
    """Return the column with the time of a mart's rows; None if it has no such column."""
    times = [column for column in columns if column.endswith("_at")]
    return next((column for column in _TIMES if column in times), times[0] if times else None)


def from_mart(mart: str, bucket: timedelta | str | None = None, by: str | None = None) -> str:
    """Return the text after FROM: the mart's view, or its macro with `bucket` (see `parse_bucket`) and `by` (`GROUPS`).

    Raises `UnknownName` for an unknown mart, and `ValueError` for arguments that the mart does not take.
    """
    if mart not in mart_names():
        raise unknown_name("No table is named", mart, mart_names())
    if bucket is None and by is None:
        return name(mart)
    if not load_models([mart])[-1].is_macro:
        raise ValueError(f"{mart} takes neither bucket nor by; kpis and concurrency do")
    if by is not None and by not in GROUPS:
        raise ValueError(f"{mart} goes by {', '.join(GROUPS[:-1])} or {GROUPS[-1]}, not by {by!r}")
    arguments = [f"bucket := INTERVAL {text(parse_bucket(bucket))}"] if bucket is not None else []
    arguments += [f'"by" := {text(by)}'] if by is not None else []
    return f"{name(mart)}({', '.join(arguments)})"


def models_asked(question: TableQuery) -> set[str]:
    """Return the models that a query reads."""
    return {
        question.mart,
        *(LOOKUP_MODELS if question.numbers or question.calls else []),
        *(["calls"] if question.dispositions else []),
    }


def sql_of(question: TableQuery, columns: Collection[str]) -> str:
    """Return a query in SQL; `columns` are the mart's columns.

    Raises `UnknownName` for a column that the mart does not have, and as `from_mart` does.
    """
    named = [column.removeprefix("-") for column in (*question.columns, *question.sort)]
    if unknown := [column for column in named if column not in columns]:
        raise unknown_name(f"{question.mart} has no column", unknown[0], columns)
    sql = f"SELECT {', '.join(map(name, question.columns)) or '*'} "
    sql += f"FROM {from_mart(question.mart, question.bucket, question.by)}"
    if conditions := _conditions(question, time_column(columns)):
        sql += " WHERE " + " AND ".join(conditions)
    order = [
        f"{name(column.removeprefix('-'))}{' DESC' if column.startswith('-') else ''}" for column in question.sort
    ] + [name(column) for column in _ORDER if column in columns]
    sql += f" ORDER BY {', '.join(order)}" if order else ""
    return sql + (f" LIMIT {question.limit}" if question.limit is not None else "")


def _conditions(question: TableQuery, time: str | None) -> list[str]:
    conditions = []
    if question.times and time:
        conditions.append(within_times(time, question.times))
    if question.numbers:
        conditions.append(has_number(question.numbers))
    if question.dispositions:
        names = ", ".join(text(disposition.upper()) for disposition in question.dispositions)
        conditions.append(f"call_id IN (SELECT call_id FROM calls WHERE disposition IN ({names}))")
    if question.calls:
        conditions.append(has_id(question.calls))
    return conditions + ([f"({question.where})"] if question.where else [])


def within_times(column: str, times: Sequence[tuple[datetime | None, datetime | None]]) -> str:
    """Return the condition in SQL that a time is in one of the intervals `times` of a `TableQuery`."""
    return f"({' OR '.join(_within(name(column), *limits) for limits in times)})"


def _within(column: str, since: datetime | None, until: datetime | None) -> str:
    limits = [
        f"{column} {sign} TIMESTAMP {text(at.isoformat(' '))}" for sign, at in ((">=", since), ("<", until)) if at
    ]
    return f"({' AND '.join(limits)})" if limits else f"{column} IS NOT NULL"
