"""A DuckDB connection in which a session is a set of views."""

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
"""What DuckDB may take before it puts things aside in the system's temporary folder; `SET memory_limit` changes it."""
_ARGUMENTS = 'bucket := NULL::INTERVAL, "by" := NULL::VARCHAR'


def connect(
    session: str | Path | SessionFile, *, models: Collection[str] | None = None, timezone: str = "UTC"
) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB connection with the views of a session.

    `events` holds all events with the columns that occur in the session; `rows` adds the rows of other kinds. One view
    per event type, named as ARI names it (`ChannelDtmfReceived`), has the columns of that type, typed NULLs where the
    session lacks one; `channel_events` has the events of all types that are about one channel, `bridge_events`,
    `hold_events`, `playback_events`, `recording_events` and `talking_events` those of their two or three types;
    `other_rows` the rows that are no events, `event_sizes` how many bytes the events of each type have,
    `recorded_spans` the times that were recorded, `recording_gaps` those between that were not. Models such as
    `calls`, `legs` and `transfers` are views on top. Times are TIMESTAMP in UTC. `SET VARIABLE dtmf_gap_ms = 5000` sets
    a parameter of the models; `param('dtmf_gap_ms')` is its value.

    `models` names the models that are wanted (None: all; empty: none, then nothing is read before it is asked for).
    Intermediate models are computed here, once, as tables in memory: several marts read them. Beyond 700 MB DuckDB puts
    things aside in the system's temporary folder; `SET memory_limit = '4GB'` gives it more.

    timezone: IANA name (`Europe/Prague`) or `local`, for the parameter `timezone` and DuckDB's own setting `TimeZone`.
        Times in tables stay UTC; `local_time(started_at)` converts them.

    Raises `NotASession` and `FileNotFoundError` as `open_session` does, `UnknownName` for a name that no model has,
    `ValueError` for an unknown zone.
    """
    tables = Tables(session if isinstance(session, SessionFile) else open_session(session), timezone)
    tables.need_views()
    tables.need(models)
    return tables.connection


class Tables:
    """A `connection` to a session (None: one without rows) in which models, and the views of events, are made when they
    are needed: all these views of a long session take DuckDB a third of a second.

    timezone: zone of buckets of time, of `local_time` and of DuckDB's type TIMESTAMP WITH TIME ZONE.
    Raises `ValueError` for an unknown zone.
    """

    def __init__(self, session: SessionFile | None, timezone: str = "UTC") -> None:
        zone = zone_name(timezone)
        spill = Path(tempfile.gettempdir()) / f"arirecord-{uuid4().hex}"
        self.connection = duckdb.connect(config={"temp_directory": str(spill), "memory_limit": MEMORY})
        # Each of a hundred statements would read the footer of the file again.
        self.connection.execute("SET parquet_metadata_cache = true")
        # DuckDB takes the rows of a macro for one, and would join each with all rows: 870 s for kpis of 100,000 calls.
        self.connection.execute("SET asof_loop_join_threshold = 0")
        # A database in memory is checkpointed too, for nothing, while all else waits.
        self.connection.execute("SET checkpoint_threshold = '1TB'")
        self._made: dict[str, Model] = {}
        self._named: set[str] = set()
        self._views, self._has = event_views(session), set[str]()
        for statement in (*row_views(session), *parameter_macros(), *bucket_macros(), *fact_macros()):
            self.connection.execute(statement)
        self.connection.execute(f"SET TimeZone = '{zone}'")  # by default that of the machine
        if zone != "UTC":
            self.connection.execute(set_statement("timezone", zone))

    def need_for(self, sql: str) -> None:
        """Make what a statement may read: models as `models_named_in` says, and views of events."""
        names = models_named_in(sql)
        self.need_views(None if names is None else views_named_in(sql))
        self.need(names)

    def sql(self, statement: str) -> duckdb.DuckDBPyRelation | None:
        """Run one statement, after making what it reads. Return its rows, which are computed when read; None if it has
        none.

        Raises `duckdb.Error`, with suggestions for an unknown table.
        """
        self.need_for(statement)
        with suggesting_names():
            relation: duckdb.DuckDBPyRelation | None = self.connection.sql(statement)
        return relation

    def need_views(self, views: Collection[str] | None = None) -> None:
        """Make the named views of events (None: all), as far as that is not done.

        Raises `UnknownName` for a name that no such view has.
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
        """Make the named models (None: all) and what they read from, as far as that is not done; `begin` hears names.

        Raises `UnknownName` for a name that no model has.
        """
        self._named.update(models or ())
        coming = self._missing(models)
        # No order is kept in a table that nobody sees: that takes half the memory.
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
        """What has to be made for the named models, each after what it reads from."""
        models = load_models(names)
        wanted = {model.name for model in models if model.layer != "intermediate"} if names is None else set(names)
        for model in reversed(models):
            if model.name in wanted and model.name not in self._made:
                wanted |= model.reads
        return [model for model in models if model.name in wanted and model.name not in self._made]

    def _drop_unread(self, coming: Sequence[Model]) -> None:
        """Drop tables that neither a view reads nor what is made next: they take memory from others."""
        views = [model for model in self._made.values() if model.layer != "intermediate"]
        kept = self._named.union(*(model.reads for model in (*views, *coming)))
        for model in list(self._made.values()):
            if model.layer == "intermediate" and model.name not in kept:
                self.connection.execute(f"DROP TABLE {name(model.name)}")
                del self._made[model.name]

    def _make(self, statement: str) -> None:
        # Interrupted amid a recursion, DuckDB 2.0 never comes back.
        with _interrupted_later() if "RECURSIVE" in statement else nullcontext():
            self._execute(statement)

    def _execute(self, statement: str) -> None:
        try:
            self.connection.execute(statement)
        except duckdb.OutOfMemoryException:
            # Not everything can be put aside on the disk: then all memory is better than no answer.
            self.connection.execute("RESET memory_limit")
            self.connection.execute(statement)


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Ctrl-C counts once the block is done: in any thread but the main one it comes to nobody."""
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
    """The SQL statements by which `connect` makes its views and tables, in order (None: of a session without rows)."""
    yield from row_views(session)
    yield from event_views(session).values()
    yield from parameter_macros()
    yield from bucket_macros()
    yield from fact_macros()
    for model in load_models(models):
        yield from _statements(model)


def models_named_in(sql: str) -> set[str] | None:
    """Models that a statement may read: only these need be made. None, all of them, where it lists what there is."""
    if re.match(
        r"\s*(SHOW|FROM\s+duckdb_|PRAGMA|DESCRIBE\s*;?\s*$)|.*information_schema", sql, re.IGNORECASE | re.DOTALL
    ):
        return None
    return {word.lower() for word in re.findall(r"\w+", sql)} & model_names()


def columns_of_models(names: Collection[str]) -> dict[str, dict[str, str]]:
    """Of each named model its columns, in order, with DuckDB's names of their types."""
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
