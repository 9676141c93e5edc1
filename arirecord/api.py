"""`arirecord.open_session` and its result: a recording with its frames, and its tables as polars DataFrames."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from arirecord.select.zones import zone_name
from arirecord.session import reader
from arirecord.tables import MartMethods, Parameters

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from arirecord.analytics.connection import Tables
    from arirecord.check import CheckResult
    from arirecord.report.notebook import Call, Plots

__all__ = ["Session", "open_session"]


def open_session(
    path: str | Path | Sequence[str | Path],
    *,
    timezone: str = "UTC",
    otlp: str | Path | None = None,
    otlp_attribute: str | None = None,
) -> "Session":
    """Open a session, a Parquet file, a folder of them, or a lake, for reading and measuring.

    path: a path, a pattern such as `days/*.parquet`, or several of them, which are read as one session.
    timezone: IANA name (`Europe/Prague`) or `local`. Days and hours of `kpis`, `concurrency` and plots begin there,
        and plots and calls show times there; times in tables stay UTC.
    otlp: file of OpenTelemetry traces (OTLP JSON), whose spans are stages of voice agents: see docs/voice.md. A table
        that needs them raises `OtlpError` if it cannot be read.
    otlp_attribute: the attribute of spans that has the channel's id. Without it, any attribute with one counts.
    Raises `NotASession`, naming the file and what is wrong, `FileNotFoundError`, and `ValueError` for an unknown zone.
    """
    session = Session(path, timezone)
    session.span_file = reader.SpanFile(Path(otlp), otlp_attribute) if otlp is not None else None
    return session


class Session(MartMethods, reader.SessionFile):
    """A sealed recording, made by `open_session`; read-only.

    Its frames are read from the file. Its tables (`calls()`, `legs()`, `transfers()` …, all of docs/metrics.md) come
    from one DuckDB `connection`, which is made at the first use and kept. Parameters of the models are keywords
    and hold for that query only: `session.dtmf(dtmf_gap_ms=5000)`.
    """

    def __init__(self, path: str | Path | Sequence[str | Path], timezone: str = "UTC") -> None:
        self.timezone = zone_name(timezone)
        super().__init__(path)

    @cached_property
    def _tables(self) -> "Tables":
        from arirecord.analytics.connection import Tables
        from arirecord.analytics.kept_tables import keeps_tables

        if keeps_tables(self):
            from arirecord.lake.build_tables import extend_tables

            extend_tables(self)
        return Tables(self, self.timezone, is_kept=True)

    @cached_property
    def _computed_tables(self) -> "Tables":
        """Tables that follow parameters: kept ones were computed with the defaults."""
        from arirecord.analytics.connection import Tables

        return Tables(self, self.timezone)

    @property
    def connection(self) -> "duckdb.DuckDBPyConnection":
        """The DuckDB connection behind the tables, with all views and models, as `arirecord.connect` makes it."""
        self._tables.need_views()
        self._tables.need()
        return self._tables.connection

    def sql(self, query: str, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Run a query in DuckDB's SQL and return the result; the views are those of `arirecord.connect`.

        `parameters` are set for this query only: `session.sql("FROM dtmf", dtmf_gap_ms=5000)`.
        Raises `duckdb.Error` for wrong SQL, `ValueError` for a wrong parameter or for SQL that returns no rows.
        """
        from arirecord.analytics.parameters import setting

        tables = self._computed_tables if parameters and self._tables.is_kept else self._tables
        with setting(tables.connection, cast("Mapping[str, str | float]", parameters)):
            relation = tables.sql(query)
            if relation is None:
                raise ValueError('the SQL returns no rows. Try "SELECT * FROM calls"')
            frame: pl.DataFrame = relation.pl()
            return frame

    def check(self, *rules: str | Path) -> "CheckResult":
        """Check the session against rules files and shipped sets (`default`, `voice`, `linter`, `doctor`).

        Without arguments the set is `default`. Print the result for a text of what failed, or look at `is_ok`,
        `failed()` and `results`. docs/check.md describes rules files.
        Raises `RuleError` for a file that cannot be read and for a rule that is not valid.
        """
        from arirecord.check import run_rules
        from arirecord.rules import read_rules

        return run_rules(self, read_rules(rules or ("default",)), self.timezone)

    def _with(self, models: Collection[str]) -> "duckdb.DuckDBPyConnection":
        self._tables.need(models)
        return self._tables.connection

    @property
    def plot(self) -> "Plots":
        """Plots that Jupyter displays: `session.plot.concurrency()`, `.calls()`, `.transfers()` …"""
        from arirecord.report.notebook import Plots

        return Plots(self._with)

    def call(self, identifier: str) -> "Call":
        """Return one call by its id, the id of one of its channels, or a number. Jupyter displays its ladder.

        Raises `NoSuchCall` unless exactly one call matches.
        """
        from arirecord.report.notebook import CALL_MODELS, find_call

        return find_call(self._with(CALL_MODELS), identifier)

    def _repr_html_(self) -> str:
        from arirecord.report.notebook import session_html

        return session_html(self)

    def _mart(
        self, name: str, parameters: Parameters, bucket: timedelta | str | None = None, by: str | None = None
    ) -> "pl.DataFrame":
        from arirecord.analytics.mart_columns import mart_columns
        from arirecord.analytics.table_query import TableQuery, sql_of

        return self.sql(sql_of(TableQuery(name, bucket=bucket, by=by), mart_columns(name)), **parameters)

    def __getattr__(self, name: str) -> Any:
        """A mart that `MartMethods` does not have yet."""
        from arirecord.analytics.models import mart_names

        if name.startswith("_") or name not in mart_names():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return lambda **parameters: self._mart(name, parameters)
