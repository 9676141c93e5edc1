"""The models of one Asterisk server, in a schema of their own if the session has several."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .copies import remove_copies
from .macros import Macros
from .models import Model, load_models
from .restarts import MadeBounds, Restart, find_restarts, made_bounds, restarts_view
from .reused_ids import Life, find_lives, key_macros, plain_columns
from .server_clock import ServerClock, read_clock, recorder_time_macro, time_macros
from .statement_runner import StatementRunner
from .views import SessionViews, name, text

__all__ = ["ModelOptions", "ServerModels", "model_statement"]

_ARGUMENTS = 'bucket := NULL::INTERVAL, "by" := NULL::VARCHAR'


@dataclass(frozen=True)
class ModelOptions:
    """Facts about a server that its rows do not show.

    given: SELECT statements that stand for models; what these models read is not created.
    channel_lives: the lives of channels, where more than these rows decide; None: these rows show them.
    restarts: the restarts of Asterisk, likewise.
    clock: its clock, likewise.
    schema: the schema of the models. Empty: users' own, or a schema of its own if an id lives twice.
    is_kept: all models are given or read given ones, and no events.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    channel_lives: Sequence[Life] | None = None
    restarts: Sequence[Restart] | None = None
    clock: ServerClock | None = None
    schema: str = ""
    is_kept: bool = False


class ServerModels:
    """The models of one server.

    server: its `asterisk_id`, None if the recording does not have it.
    home: the schema in which users find the tables.
    views: the views of its rows.
    macros: creates the macros that models name.
    options: what else is known about the server.

    If one of its ids lives twice, models are in another schema and have keys; `home` has views of them with plain ids.
    """

    def __init__(
        self,
        runner: StatementRunner,
        server: str | None,
        home: str,
        views: SessionViews,
        macros: Macros,
        options: "ModelOptions | None" = None,
    ) -> None:
        self.home = home
        self._runner = runner
        self._server = f"{text(server)}::VARCHAR" if server is not None else "NULL::VARCHAR"
        self._views, self._macros = views, macros
        self._options = options or ModelOptions()
        self._schema, self._is_prepared = self._options.schema, False
        self._made: dict[str, Model] = {}
        self._named: set[str] = set()

    def need(self, names: Collection[str], begin: Callable[[str], object]) -> None:
        """Create the named models and those that they read, if they do not exist yet. `begin` gets each name before."""
        if not self._is_prepared:
            self._prepare()
        new_names = [each for each in names if each not in self._named]
        self._named.update(names)
        coming = self._missing(names)
        while coming:
            model = coming.pop(0)
            begin(model.name)
            self._macros.need_for(model.sql)
            with self._runner.in_schemas(*self._path):
                is_shown = self._schema == self.home and model.layer == "marts"
                self._runner.run(self._statement(model, self._server if is_shown else None))
                self._made[model.name] = model
                self._drop_unread(coming)
        if self._schema != self.home:
            with self._runner.in_schemas(self.home):
                for each in new_names:
                    self._show(self._made[each])

    def restarts(self) -> tuple[Sequence[Restart], MadeBounds]:
        """Return the restarts that the server's rows show, and what shows one between these and other rows."""
        return find_restarts(self._runner, self._views), made_bounds(self._runner, self._views)

    @property
    def _path(self) -> Sequence[str]:
        return tuple(dict.fromkeys([self._schema, self.home, "main"]))

    def _statement(self, model: Model, server: str | None) -> str:
        if given := self._options.given.get(model.name):
            return f"CREATE VIEW {name(model.name)} AS " + (
                f"SELECT *, {server} AS server FROM ({given})" if server else given
            )
        return self._views.written_into(model_statement(model, server))

    def _prepare(self) -> None:
        self._is_prepared = True
        if not self._options.is_kept:
            remove_copies(self._runner, self._views, self.home)
        lives, restarts = self._lives(), self._options.restarts
        clock = ServerClock() if self._options.is_kept else self._options.clock or read_clock(self._runner, self._views)
        restarts = find_restarts(self._runner, self._views) if restarts is None else restarts
        self._schema = self._schema or (f"keyed_{self.home}" if lives else self.home)
        if self._schema != self.home:
            self._runner.run(f"CREATE SCHEMA {self._schema}")
        with self._runner.in_schemas(*self._path):
            own = (recorder_time_macro(self._views.session), restarts_view(restarts))
            for statement in (*key_macros(lives), *time_macros(clock), *own):
                self._runner.run(statement)
            self._runner.run(f"CREATE MACRO this_server() AS {self._server}")

    def _lives(self) -> Sequence[Life]:
        known = self._options.channel_lives
        if self._options.is_kept:
            return ()
        if known is None:
            return find_lives(self._runner, self._views)
        return [*known, *find_lives(self._runner, self._views, ("bridge",))]

    def _missing(self, names: Collection[str]) -> list[Model]:
        """Return the models to create for the named ones, each after those that it reads."""
        needed = set(names)
        models = load_models(names)
        for model in reversed(models):
            if model.name in needed and model.name not in self._made and model.name not in self._options.given:
                needed |= model.reads
        return [model for model in models if model.name in needed and model.name not in self._made]

    def _drop_unread(self, coming: Sequence[Model]) -> None:
        """Drop tables that neither a view nor a model in `coming` reads, to free memory."""
        views = [model for model in self._made.values() if model.layer != "intermediate"]
        kept = self._named.union(*(model.reads for model in (*views, *coming)))
        for model in list(self._made.values()):
            if model.layer == "intermediate" and model.name not in kept and model.name not in self._options.given:
                self._runner.drop(name(model.name))
                del self._made[model.name]

    def _show(self, model: Model) -> None:
        """Create the view of a model with plain ids."""
        table = f"{self._schema}.{name(model.name)}"
        described = self._runner.connection.execute(f"DESCRIBE FROM {table}").fetchall()
        columns = plain_columns([column for column, *_ in described])
        columns += f", {self._server} AS server" if model.layer == "marts" else ""
        self._runner.run(f"CREATE VIEW {name(model.name)} AS SELECT {columns} FROM {table}")


def model_statement(model: Model, server: str | None = None) -> str:
    """Return the statement that creates a model.

    server: SQL of the column `server` of a mart; None: without that column.
    """
    quoted = name(model.name)
    if model.is_macro:
        return f"CREATE MACRO {quoted}({_ARGUMENTS}) AS TABLE {model.sql}"
    if model.layer == "intermediate":
        return f"CREATE TABLE {quoted} AS {model.sql}"
    return f"CREATE VIEW {quoted} AS " + (f"SELECT *, {server} AS server FROM ({model.sql})" if server else model.sql)
