"""A DuckDB connection in which a session is a set of views."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from arirecord.ari.catalogue import ColumnType, columns_of, event_types
from arirecord.session.reader import Session, open_session

from .models import load_models

__all__ = ["connect"]

_SQL: Mapping[ColumnType, str] = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "strings": "VARCHAR[]",
    "json": "VARCHAR",
}
_LEADING = ("seq", "received_at", "elapsed_ns", "type", "application", "asterisk_id", "timestamp")


def connect(session: str | Path | Session) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB connection with the views of a session.

    `events` holds all events with the columns that occur in the session; `rows` adds the rows of other kinds. One view per event type, named as
    ARI names it (`ChannelDtmfReceived`), has the columns of that type, typed NULLs where the session lacks one. Models such as
    `calls`, `legs` and `transfers` are views on top. Nothing is read before it is asked for; times are TIMESTAMP in UTC.

    Raises `NotASession` and `FileNotFoundError` as `open_session` does.
    """
    session = session if isinstance(session, Session) else open_session(session)
    connection = duckdb.connect()
    files = ", ".join(_text(str(path)) for path in session.paths)
    connection.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet([{files}], union_by_name = true)")
    connection.execute("CREATE VIEW events AS SELECT * FROM rows WHERE kind = 'event'")
    present = {name for part in session.parts for name in part.schema.names}
    for event_type in event_types():
        connection.execute(_event_view(event_type, present))
    for model in load_models():
        connection.execute(f"CREATE VIEW {_name(model.name)} AS {model.sql}")
    return connection


def _event_view(event_type: str, present: set[str]) -> str:
    columns = [_name(name) for name in _LEADING]
    for column in columns_of(event_type):
        name = _name(column.name)
        columns.append(name if column.name in present else f"CAST(NULL AS {_SQL[column.type]}) AS {name}")
    select = ", ".join([*columns, "extra", "raw"])
    return f"CREATE VIEW {_name(event_type)} AS SELECT {select} FROM events WHERE type = {_text(event_type)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
