"""DuckDB connections with a session as a set of views."""

import re
import signal
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from uuid import uuid4

import duckdb

from arirecord.select.zones import zone_name
from arirecord.session.reader import SessionFile, open_session
from arirecord.suggest import unknown_name

from .buckets import bucket_macros
from .facts import fact_macros
from .models import Model, load_models, model_names
from .parameters import parameter_macros, set_statement
from .sql_errors import suggesting_names
from .views import event_views, name, row_views, views_named_in

__all__ = ["MEMORY", "Tables", "columns_of_models", "connect", "models_named_in", "statements"]

MEMORY = "700MB"
"""Memory that DuckDB uses before it spills to the system's temporary folder; `SET memory_limit` changes it."""
_ARGUMENTS = 'bucket := NULL::INTERVAL, "by" := NULL::VARCHAR'


def connect(
    session: str | Path | SessionFile, *, models: Collection[str] | None = None, timezone: str = "UTC"
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB connection with the views of a session.

    `events` holds all events with the columns that occur in the session; `rows` adds the rows of other kinds. One view
    per event type, named as ARI names it (`ChannelDtmfReceived`), has the columns of that type, typed NULLs where the
    session lacks one; `channel_events` has the events of all types that are about one channel, `bridge_events`,
    `hold_events`, `playback_events`, `recording_events` and `talking_events` those of their two or three types;
    `other_rows` has the rows other than events, `event_sizes` the bytes of each event type, `recorded_spans` the
    recorded times, `recording_gaps` the gaps between them. Models such as `calls`, `legs` and `transfers` are views on
    top. Times are TIMESTAMP in UTC. `SET VARIABLE dtmf_gap_ms = 5000` sets
    a parameter of the models; `param('dtmf_gap_ms')` is its value.

    `models` names the models to create (None: all; empty: none, so that nothing is read before a query). Intermediate
    models are computed here, once, as tables in memory: several marts read them. Beyond 700 MB DuckDB spills to the
    system's temporary folder; `SET memory_limit = '4GB'` gives it more.

    timezone: IANA name (`Europe/Prague`) or `local`, for the parameter `timezone` and DuckDB's own setting `TimeZone`.
        Times in tables stay UTC; `local_time(started_at)` converts them.

    Raises `NotASession` and `FileNotFoundError` as `open_session` does, `UnknownName` for an unknown model,
    `ValueError` for an unknown zone.
    """
    tables = Tables(session if isinstance(session, SessionFile) else open_session(session), timezone)
    tables.need_views()
    tables.need(models)
    return tables.connection


class Tables:
    """A `connection` to a session (None: one without rows) that creates models and views of events on demand.

    All these views of a long session would take DuckDB 0.3 s.

    timezone: zone of time buckets, of `local_time` and of DuckDB's type TIMESTAMP WITH TIME ZONE.
    Raises `ValueError` for an unknown zone.
    """

    def __init__(self, session: SessionFile | None, timezone: str = "UTC") -> None:
        zone = zone_name(timezone)
        spill = Path(tempfile.gettempdir()) / f"arirecord-{uuid4().hex}"
        self.connection = duckdb.connect(config={"temp_directory": str(spill), "memory_limit": MEMORY})
        # Otherwise each of a hundred statements reads the footer of the file again.
        self.connection.execute("SET parquet_metadata_cache = true")
        # DuckDB estimates one row for a macro, and would join each with all rows: 870 s for kpis of 100,000 calls.
        self.connection.execute("SET asof_loop_join_threshold = 0")
        # DuckDB checkpoints even a database in memory, to no effect, and blocks all else meanwhile.
        self.connection.execute("SET checkpoint_threshold = '1TB'")
        self._made: dict[str, Model] = {}
        self._named: set[str] = set()
        self._views, self._has = event_views(session), set[str]()
        for statement in (*row_views(session), *parameter_macros(), *bucket_macros(), *fact_macros()):
            self.connection.execute(statement)
        self.connection.execute(f"SET TimeZone = '{zone}'")  # default: the machine's
        if zone != "UTC":
            self.connection.execute(set_statement("timezone", zone))

    def need_for(self, sql: str) -> None:
        """Create the models and views of events that a statement may read."""
        names = models_named_in(sql)
        self.need_views(None if names is None else views_named_in(sql))
        self.need(names)

    def sql(self, statement: str) -> duckdb.DuckDBPyRelation | None:
        """Create what one statement reads, and run it. Return its rows, computed when read; None if it returns no rows.

        Raises `duckdb.Error`, with suggestions for an unknown table.
        """
        self.need_for(statement)
        with suggesting_names():
            relation: duckdb.DuckDBPyRelation | None = self.connection.sql(statement)
        return relation

    def need_views(self, views: Collection[str] | None = None) -> None:
        """Create the named views of events (None: all) that do not exist yet.

        Raises `UnknownName` for an unknown view.
        """
        for view in self._views if views is None else views:
            if view not in self._views:
                raise unknown_name("No view is named", view, self._views)
            if view not in self._has:
                self.connection.execute(self._views[view])
                self._has.add(view)

    def need(
        self, models: Collection[str] | None = None, *, begin: Callable[[str], object] = lambda name: None
    ) -> None:
        """Create the named models (None: all) and those that they read, if they do not exist yet.

        begin: called with the name of each model before it is created.

        Raises `UnknownName` for an unknown model.
        """
        self._named.update(models or ())
        coming = self._missing(models)
        # Intermediate tables need no order: without it they take half the memory.
        self.connection.execute("SET preserve_insertion_order = false")
        try:
            while coming:
                model = coming.pop(0)
                begin(model.name)
                self.need_views(views_named_in(model.sql))
                for statement in _statements(model):
                    self._make(statement)
                self._made[model.name] = model
                self._drop_unread(coming)
        finally:
            self.connection.execute("SET preserve_insertion_order = true")

    def _missing(self, names: Collection[str] | None) -> list[Model]:
        """Return the models to create for the named ones, each after those that it reads."""
        models = load_models(names)
        wanted = {model.name for model in models if model.layer != "intermediate"} if names is None else set(names)
        for model in reversed(models):
            if model.name in wanted and model.name not in self._made:
                wanted |= model.reads
        return [model for model in models if model.name in wanted and model.name not in self._made]

    def _drop_unread(self, coming: Sequence[Model]) -> None:
        """Drop tables that neither a view nor a model in `coming` reads, to free memory."""
        views = [model for model in self._made.values() if model.layer != "intermediate"]
        kept = self._named.union(*(model.reads for model in (*views, *coming)))
        for model in list(self._made.values()):
            if model.layer == "intermediate" and model.name not in kept:
                self.connection.execute(f"DROP TABLE {name(model.name)}")
                del self._made[model.name]

    def _make(self, statement: str) -> None:
        # DuckDB 2.0 hangs if it is interrupted during a recursion.
        with _interrupted_later() if "RECURSIVE" in statement else nullcontext():
            self._execute(statement)

    def _execute(self, statement: str) -> None:
        try:
            self.connection.execute(statement)
        except duckdb.OutOfMemoryException:
            # DuckDB cannot spill everything to disk: then it may use all memory.
            self.connection.execute("RESET memory_limit")
            self.connection.execute(statement)


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Delay Ctrl-C until the block is done. Only the main thread receives it."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *what: came.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        handler(*came[0])


def statements(session: SessionFile | None, *, models: Collection[str] | None = None) -> Iterator[str]:
    """Return the SQL statements of `connect` for its views and tables, in order (None: of a session without rows)."""
    yield from row_views(session)
    yield from event_views(session).values()
    yield from parameter_macros()
    yield from bucket_macros()
    yield from fact_macros()
    for model in load_models(models):
        yield from _statements(model)


def models_named_in(sql: str) -> set[str] | None:
    """Return the models that a statement may read; None means all, if it lists the tables."""
    if re.match(
        r"\s*(SHOW|FROM\s+duckdb_|PRAGMA|DESCRIBE\s*;?\s*$)|.*information_schema", sql, re.IGNORECASE | re.DOTALL
    ):
        return None
    return {word.lower() for word in re.findall(r"\w+", sql)} & model_names()


def columns_of_models(names: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the columns of each named model, in order, with DuckDB's names of their types."""
    tables = Tables(None)
    tables.need(names)
    described = {model: tables.connection.execute(f"DESCRIBE FROM {name(model)}").fetchall() for model in names}
    return {model: {column: kind for column, kind, *_ in rows} for model, rows in described.items()}


def _statements(model: Model) -> Iterator[str]:
    quoted = name(model.name)
    if model.is_macro:
        yield f"CREATE MACRO {quoted}({_ARGUMENTS}) AS TABLE {model.sql}"
        if model.layer == "marts":
            yield f"CREATE VIEW {quoted} AS FROM {quoted}()"
    else:
        yield f"CREATE {'TABLE' if model.layer == 'intermediate' else 'VIEW'} {quoted} AS {model.sql}"
