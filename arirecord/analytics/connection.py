"""A DuckDB connection in which a session is a set of views."""

from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb

from arirecord.session.reader import Session, open_session

from .models import load_models
from .parameters import parameter_macros
from .views import name, session_views

__all__ = ["columns_of_models", "connect", "statements"]

_ARGUMENTS = 'bucket := NULL::INTERVAL, "by" := NULL::VARCHAR'


def connect(session: str | Path | Session, *, models: Collection[str] | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB connection with the views of a session.

    `events` holds all events with the columns that occur in the session; `rows` adds the rows of other kinds. One view
    per event type, named as ARI names it (`ChannelDtmfReceived`), has the columns of that type, typed NULLs where the
    session lacks one; `channel_events` has the events of all types that are about one channel. Models such as `calls`,
    `legs` and `transfers` are views on top. Times are TIMESTAMP in UTC. `SET VARIABLE dtmf_gap_ms = 5000` sets a
    parameter of the models; `param('dtmf_gap_ms')` is its value.

    `models` names the models that are wanted (None: all; empty: none, then nothing is read before it is asked for).
    Intermediate models are computed here, once, as tables in memory: several marts read them.

    Raises `NotASession` and `FileNotFoundError` as `open_session` does.
    """
    session = session if isinstance(session, Session) else open_session(session)
    connection = duckdb.connect()
    for statement in statements(session, models=models):
        connection.execute(statement)
    return connection


def statements(session: Session | None, *, models: Collection[str] | None = None) -> Iterator[str]:
    """The SQL statements by which `connect` makes its views and tables, in order (None: of a session without rows)."""
    yield from session_views(session)
    yield from parameter_macros()
    macros: set[str] = set()
    for model in load_models(models):
        if model.layer == "macros" or model.reads & macros:
            macros.add(model.name)
            yield f"CREATE MACRO {name(model.name)}({_ARGUMENTS}) AS TABLE {model.sql}"
            if model.layer == "marts":
                yield f"CREATE VIEW {name(model.name)} AS FROM {name(model.name)}()"
        else:
            what = "TABLE" if model.layer == "intermediate" else "VIEW"
            yield f"CREATE {what} {name(model.name)} AS {model.sql}"


def columns_of_models(names: Collection[str]) -> dict[str, dict[str, str]]:
    """Of each named model its columns, in order, with DuckDB's names of their types."""
    connection = duckdb.connect()
    for statement in statements(None, models=names):
        connection.execute(statement)
    return {
        model: {column: kind for column, kind, *_ in connection.execute(f"DESCRIBE {name(model)}").fetchall()}
        for model in names
    }
