"""A DuckDB connection in which a session is a set of views."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from arirecord.ari.catalogue import Column, ColumnType, columns_of, event_types
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


def connect(session: str | Path | Session, *, models: Collection[str] | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB connection with the views of a session.

    `events` holds all events with the columns that occur in the session; `rows` adds the rows of other kinds. One view
    per event type, named as ARI names it (`ChannelDtmfReceived`), has the columns of that type, typed NULLs where the
    session lacks one; `channel_events` has the events of all types that are about one channel. Models such as `calls`,
    `legs` and `transfers` are views on top. Times are TIMESTAMP in UTC.

    `models` names the models that are wanted (None: all; empty: none, then nothing is read before it is asked for).
    Intermediate models are computed here, once, as tables in memory: several marts read them.

    Raises `NotASession` and `FileNotFoundError` as `open_session` does.
    """
    session = session if isinstance(session, Session) else open_session(session)
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW rows AS {_rows(connection, session.paths)}")
    connection.execute("CREATE VIEW events AS SELECT * FROM rows WHERE kind = 'event'")
    present = {name for part in session.parts for name in part.schema.names}
    for event_type in event_types():
        connection.execute(_event_view(event_type, columns_of(event_type), f"type = {_text(event_type)}", present))
    # One scan of the file instead of one for each of twenty types.
    connection.execute(_event_view("channel_events", columns_of("ChannelCreated"), "channel_id IS NOT NULL", present))
    for model in load_models(models):
        what = "TABLE" if model.layer == "intermediate" else "VIEW"
        connection.execute(f"CREATE {what} {_name(model.name)} AS {model.sql}")
    return connection


def _rows(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> str:
    """SQL for the rows of all files. Where a file counts `seq` anew, it goes on after that of the file before."""
    files = ", ".join(_text(str(path)) for path in paths)
    read = f"read_parquet([{files}], union_by_name = true, filename = true)"
    if len(paths) == 1:
        return f"SELECT * EXCLUDE (filename) FROM {read}"
    spans = connection.execute(f"SELECT filename, min(seq), max(seq) FROM {read} GROUP BY filename").fetchall()
    last, shifts = -1, {}
    for path, first_of_file, last_of_file in sorted(spans, key=lambda span: paths.index(Path(span[0]))):
        shifts[path] = max(last + 1 - first_of_file, 0)
        last = last_of_file + shifts[path]
    cases = " ".join(f"WHEN {_text(path)} THEN {shift}" for path, shift in shifts.items() if shift)
    shift = f"CASE filename {cases} ELSE 0 END" if cases else "0"
    return f"SELECT * EXCLUDE (filename) REPLACE (seq + {shift} AS seq) FROM {read}"


def _event_view(view: str, known: Iterable[Column], condition: str, present: set[str]) -> str:
    columns = [_name(name) for name in _LEADING]
    for column in known:
        name = _name(column.name)
        columns.append(name if column.name in present else f"CAST(NULL AS {_SQL[column.type]}) AS {name}")
    select = ", ".join([*columns, "extra", "raw"])
    events = f"SELECT {select} FROM rows WHERE kind = 'event'"
    return f"CREATE VIEW {_name(view)} AS SELECT * FROM ({events}) WHERE {condition}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
