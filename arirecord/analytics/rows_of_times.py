"""SQL on the rows of some times: tables and views that a statement names are limited to them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from .connection import Tables, models_named_in
from .mart_columns import mart_columns
from .table_query import time_column, within_times
from .views import EVENT_VIEWS, ROW_VIEWS, name, words_of

__all__ = ["limit_to_times"]

_SCHEMA = "rows_of_times"


def limit_to_times(
    tables: Tables, sql: str, times: Sequence[tuple[datetime | None, datetime | None]], models: Collection[str]
) -> None:
    """Create what a statement reads; it finds tables and views of events with only the rows of some times.

    times: as in `TableQuery`.
    models: tables that can be limited.

    Raises `ValueError` for a table or a view that cannot.
    """
    named = models_named_in(sql) or set()
    views = {view for view in (*ROW_VIEWS, *EVENT_VIEWS) if view.lower() in words_of(sql)}
    columns = dict.fromkeys(views, "received_at") | {
        model: time_column(mart_columns(model)) for model in named & set(models)
    }
    for each in sorted(named | views):
        if columns.get(each) is None or each in ("event_sizes", "recorded_spans", "recording_gaps"):
            raise ValueError(f"{each} has no rows of a time alone: leave out --since and --until to read it")
    tables.connection.execute("SET search_path = 'main'")
    tables.need_for(sql)
    tables.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
    for each, column in columns.items():
        rows = f"FROM main.{name(each)} WHERE {within_times(str(column), times)}"
        tables.connection.execute(f"CREATE OR REPLACE VIEW {_SCHEMA}.{name(each)} AS {rows}")
    tables.connection.execute(f"SET search_path = '{_SCHEMA},main'")
