"""DuckDB connections with a session as a set of views."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path

import duckdb

from arirecord.select.zones import zone_name
from arirecord.session.reader import SessionFile, open_session
from arirecord.session.servers import Server
from arirecord.session.temporary_folder import new_path, pattern_of, plain_path
from arirecord.suggest import unknown_name

from .agent_spans import create_spans
from .call_window import models_of_calls
from .kept_models import KeptServerModels
from .kept_tables import kept_tables
from .macros import Macros
from .models import load_models, model_names
from .object_files import register_object_files
from .parameters import set_statement
from .restricted_sql import check_statement, restrict
from .server_models import ModelOptions, ServerModels, model_statement
from .sql_errors import suggesting_names
from .statement_runner import StatementRunner
from .views import EVENT_VIEWS, ROW_VIEWS, SessionViews, name, text, words_of

__all__ = ["MEMORY", "Tables", "columns_of_models", "connect", "models_named_in", "statements", "tables_of_server"]

MEMORY = "700MB"
"""Memory that DuckDB uses before it spills to the system's temporary folder; `SET memory_limit` changes it."""
_ONE_THREAD = 50_000
"""With fewer events, a second thread costs more than it gains."""
LONG_RECORDING = 100_000
"""With fewer events, to find the rows of a call costs more than to compute the tables of all calls."""
_SERVERS = "servers_of_session"
_RECORDED = """
WITH marks AS (
    SELECT begin_at AS marked_at, 1 AS change FROM {parts}
    UNION ALL
    SELECT end_at, -1 FROM {parts}
),

counted AS (
    SELECT
        *,
        sum(change) OVER by_time AS server_count,
        sum(change) OVER by_time = 0 AND change = -1 AS is_end
    FROM marks
    WINDOW by_time AS (ORDER BY marked_at, change DESC ROWS UNBOUNDED PRECEDING)
),

begins AS (
    SELECT marked_at, is_end, COALESCE(lag(is_end) OVER (ORDER BY marked_at, change DESC), true) AS is_begin
    FROM counted
),

spans AS (
    SELECT marked_at AS begin_at, lead(marked_at) OVER (ORDER BY marked_at, is_end) AS end_at, is_begin
    FROM begins
    WHERE is_begin OR is_end
)

SELECT begin_at, end_at, lead(begin_at) OVER (ORDER BY begin_at) AS next_begin_at
FROM spans
WHERE is_begin
"""
"""`int_recorded` of several servers: their intervals, of which overlapping ones are one."""


def connect(
    session: str | Path | Sequence[str | Path] | SessionFile,
    *,
    models: Collection[str] | None = None,
    timezone: str = "UTC",
    kept: bool = True,
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

    SQL on the connection can do what DuckDB can: read and write files, and load extensions. For SQL of others there is
    `arirecord query`, which restricts it.

    timezone: IANA name (`Europe/Prague`) or `local`, for the parameter `timezone` and DuckDB's own setting `TimeZone`.
        Times in tables stay UTC; `local_time(started_at)` converts them.

    kept: use the tables that `arirecord tables build` stored, if they are current. Tables with parameters are computed
        with the defaults then: to set one, pass False.

    Raises `NotASession` and `FileNotFoundError` as `open_session` does, `UnknownName` for an unknown model,
    `ValueError` for an unknown zone.
    """
    tables = Tables(session if isinstance(session, SessionFile) else open_session(session), timezone, is_kept=kept)
    tables.need_views()
    tables.need(models)
    return tables.connection


class Tables:
    """A `connection` to a session (None: one without rows) that creates models and views of events on demand.

    All these views of a long session would take DuckDB 0.3 s. The models of each Asterisk server are computed alone:
    ids, gaps and clocks of one say nothing about another.

    timezone: zone of time buckets, of `local_time` and of DuckDB's type TIMESTAMP WITH TIME ZONE.
    script: gets the statements that create views, macros and tables; the tables stay empty.
    is_kept: use kept tables that are current.
    calls: the only calls whose rows are wanted, by ids as in `call_lookup.has_id`; tables may have rows of others, too.
        All calls if it is empty, no row names one of these, or the recording is short.
    is_restricted: statements can read the files of the session, and nothing else; see `restrict`.
    Raises `ValueError` for an unknown zone.
    """

    def __init__(
        self,
        session: SessionFile | None,
        timezone: str = "UTC",
        script: list[str] | None = None,
        *,
        is_restricted: bool = False,
        is_kept: bool = False,
        calls: Collection[str] = (),
    ) -> None:
        zone = zone_name(timezone)
        spill = str(new_path("spill"))  # DuckDB makes it readable for everybody
        self.connection = duckdb.connect(config={"temp_directory": spill, "memory_limit": MEMORY})
        register_object_files(self.connection, session.paths if session else ())
        if session is None or session.header.events < _ONE_THREAD:
            self.connection.execute("SET threads = 1")
        # Otherwise each of a hundred statements reads the footer of the file again.
        self.connection.execute("SET parquet_metadata_cache = true")
        # DuckDB estimates one row for a macro, and would join each with all rows: 870 s for kpis of 100,000 calls.
        self.connection.execute("SET asof_loop_join_threshold = 0")
        # DuckDB checkpoints even a database in memory, to no effect, and blocks all else meanwhile.
        self.connection.execute("SET checkpoint_threshold = '1TB'")
        self._session, self._runner = session, StatementRunner(self.connection, script)
        self._made: set[str] = set()
        self._has_spans = False
        self._views, self._has = SessionViews(session), set[str]()
        self._macros = Macros(self._runner)
        for view in ROW_VIEWS:
            self._runner.run(self._views.create(view))
        self.connection.execute(f"SET TimeZone = '{zone}'")  # default: the machine's
        if zone != "UTC":
            self.connection.execute(set_statement("timezone", zone))
        is_kept = is_kept and script is None and (session is None or session.span_file is None)
        self._kept = kept_tables(session) if is_kept and session else None
        is_short = session is None or session.header.events < LONG_RECORDING
        self._calls = () if self._kept or is_short else calls
        self._is_restricted = is_restricted
        if is_restricted:
            files = [file for tables in (self._kept or {}).values() for file in tables.files]
            restrict(self.connection, map(plain_path, [*(session.paths if session else ()), *files]))

    @property
    def is_kept(self) -> bool:
        """Whether tables come from kept ones."""
        return self._kept is not None

    def limit(self, threads: int, memory: str) -> None:
        """Set the threads of DuckDB, and the memory it uses before it spills to the disk."""
        self.connection.execute(f"SET threads = {threads}; SET memory_limit = {text(memory)}")

    def need_for(
        self, sql: str, models: Collection[str] | None = None, *, begin: Callable[[str], object] = lambda name: None
    ) -> None:
        """Create the views of events, the macros and the models that a statement may read.

        models: the models that it reads (None: those that it names). `begin` as in `need`.
        """
        names, words = models_named_in(sql) if models is None else models, words_of(sql)
        self.need_views(None if names is None else [view for view in EVENT_VIEWS if view.lower() in words])
        self._macros.need_for(sql if names is not None else None)
        self._need_models(names, begin)

    def sql(self, statement: str) -> duckdb.DuckDBPyRelation | None:
        """Create what one statement reads, and run it. Return its rows, computed when read; None if it returns no rows.

        Raises `duckdb.Error`, with suggestions for an unknown table; `duckdb.PermissionException` if it is restricted.
        """
        if self._is_restricted:
            check_statement(statement)
        self.need_for(statement)
        with suggesting_names():
            relation: duckdb.DuckDBPyRelation | None = self.connection.sql(statement)
        return relation

    def need_views(self, views: Collection[str] | None = None) -> None:
        """Create the named views of events (None: all) that do not exist yet.

        Raises `UnknownName` for an unknown view.
        """
        for view in EVENT_VIEWS if views is None else views:
            if view not in EVENT_VIEWS:
                raise unknown_name("No view is named", view, EVENT_VIEWS)
            if view not in self._has:
                self._runner.run(self._views.create(view))
                self._has.add(view)

    def need(
        self, models: Collection[str] | None = None, *, begin: Callable[[str], object] = lambda name: None
    ) -> None:
        """Create the named models (None: all) and those that they read, if they do not exist yet, and all macros.

        begin: called with the name of each model before it is created.

        Raises `UnknownName` for an unknown model.
        """
        self._macros.need_for(None)
        self._need_models(models, begin)

    def _need_models(self, models: Collection[str] | None, begin: Callable[[str], object]) -> None:
        if models is not None and not models:
            return
        needed = load_models(models)
        if any(model.name == "stg_agent_spans" for model in needed):
            self._need_spans()
        shared = [model for model in needed if not model.is_of_server and model.name not in self._made]
        names = {model.name for model in needed if model.layer != "intermediate"} if models is None else set(models)
        names = names.union(*(model.reads for model in shared))
        names -= {model.name for model in needed if not model.is_of_server}
        # Intermediate tables need no order: without it they take half the memory.
        self.connection.execute("SET preserve_insertion_order = false")
        try:
            for server in self._servers:
                server.need(names, begin)
            for each in sorted(names - self._made) if len(self._servers) > 1 else ():
                self._unite(each)
            for model in shared:
                begin(model.name)
                self._macros.need_for(model.sql)
                self._runner.run(model_statement(model))
                if model.is_macro and model.layer == "marts":
                    self._runner.run(f"CREATE VIEW {name(model.name)} AS FROM {name(model.name)}()")
        finally:
            self.connection.execute("SET preserve_insertion_order = true")
        self._made |= names | {model.name for model in shared}

    @cached_property
    def _servers(self) -> "Sequence[ServerModels | KeptServerModels]":
        servers = self._session.servers if self._session else (Server(None, (), frozenset()),)
        if len(servers) == 1:
            homes = [("main", self._views)]
        else:
            names = ", ".join(text(server.name or "") for server in servers)
            self._runner.run(f"SET VARIABLE {_SERVERS} = [{names}]")
            homes = [self._new_home(server, number) for number, server in enumerate(servers)]
        if self._calls and (models := models_of_calls(self._runner, servers, homes, self._macros, self._calls)):
            self.connection.execute("SET threads = 1")
            return models
        return [self._server_models(server, home, views) for server, (home, views) in zip(servers, homes, strict=True)]

    def _server_models(self, server: Server, home: str, views: SessionViews) -> "ServerModels | KeptServerModels":
        computed = partial(ServerModels, self._runner, server.name, home, views, self._macros)
        return KeptServerModels(self._kept[server.name], computed, home) if self._kept else computed()

    def _new_home(self, server: Server, number: int) -> tuple[str, SessionViews]:
        home = f"server_{number}"
        return home, self._create_home(server, home)

    def models_of(self, server: Server, home: str, options: ModelOptions | None = None) -> ServerModels:
        """Return the models of one server, whose tables users find in a new schema `home`."""
        self._need_spans()
        views = self._create_home(server, home)
        return ServerModels(self._runner, server.name, home, views, self._macros, options)

    def _need_spans(self) -> None:
        """Create the table that `stg_agent_spans` reads."""
        if not self._has_spans:
            self._has_spans = True
            channels = partial(self._views.written_into, "SELECT DISTINCT channel_id FROM channel_events")
            create_spans(self._runner, self._session.span_file if self._session else None, channels)

    def _create_home(self, server: Server, home: str) -> SessionViews:
        views = SessionViews(self._session, server)
        self._runner.run(f"CREATE SCHEMA {home}")
        with self._runner.in_schemas(home):
            for view in ROW_VIEWS:
                self._runner.run(views.create(view))
        return views

    def _unite(self, model: str) -> None:
        """Create the view of one model of all servers."""
        parts = " UNION ALL BY NAME ".join(f"FROM {server.home}.{name(model)}" for server in self._servers)
        select = _RECORDED.replace("{parts}", f"({parts})") if model == "int_recorded" else parts
        self._runner.run(f"CREATE VIEW {name(model)} AS {select}")


@contextmanager
def tables_of_server(connection: duckdb.DuckDBPyConnection, server: str | None) -> Iterator[None]:
    """Within the block, the views and models of a connection are those of one server of the session."""
    ((servers,),) = connection.execute(f"SELECT getvariable('{_SERVERS}')").fetchall()
    if servers is None:
        yield
        return
    connection.execute(f"SET search_path = 'server_{servers.index(server or '')},main'")
    try:
        yield
    finally:
        connection.execute("SET search_path = 'main'")


def statements(session: SessionFile | None, *, models: Collection[str] | None = None) -> Sequence[str]:
    """Return the SQL statements of `connect` for its views and tables, in order (None: of a session without rows)."""
    script: list[str] = []
    tables = Tables(session, script=script)
    tables.need_views()
    tables.need(models)
    for path in session.paths if session else ():
        if (plain := plain_path(path)) != str(path.absolute()):
            script = [statement.replace(text(plain), text(pattern_of(path))) for statement in script]
    return script


def models_named_in(sql: str) -> set[str] | None:
    """Return the models that a statement may read; None means all, if it lists the tables."""
    if re.match(
        r"\s*(SHOW|FROM\s+duckdb_|PRAGMA|DESCRIBE\s*;?\s*$)|.*information_schema", sql, re.IGNORECASE | re.DOTALL
    ):
        return None
    return words_of(sql) & model_names()


def columns_of_models(names: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the columns of each named model, in order, with DuckDB's names of their types."""
    tables = Tables(None)
    tables.need(names)
    described = {model: tables.connection.execute(f"DESCRIBE FROM {name(model)}").fetchall() for model in names}
    return {model: {column: kind for column, kind, *_ in rows} for model, rows in described.items()}
