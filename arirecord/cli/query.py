"""`arirecord query`."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from .output import Input, Output, Verb
from .param_types import read_text, time_options
from .query_results import TableView, result_options, write
from .session_input import open_session, otlp_options, server_option

if TYPE_CHECKING:
    import duckdb

    from arirecord.analytics.connection import Tables
    from arirecord.select.times import Time

__all__ = ["command"]


@click.command("query", cls=Verb)
@click.argument("session", type=Input())
@server_option
@click.argument("sql", required=False)
@click.option("-f", "--file", type=click.File(encoding="utf-8"), help="Read the SQL from a file; - is standard input.")
@click.option("--unsafe", is_flag=True, help="Let the SQL read and write files, use the network and change settings.")
@otlp_options
@time_options(
    begin_help="Only rows from then on, of tables of calls and of events: 14:03 (each day), 2026-11-23T14:03, +5m.",
    others=("buckets", "local_time()", "DuckDB's TimeZone"),
)
@result_options
def command(
    session: Path,
    sql: str | None,
    file: IO[str] | None,
    unsafe: bool,
    since: "Time | None",
    until: "Time | None",
    timezone: str,
    output: Output,
) -> None:
    """Query a session in SQL (DuckDB).

    `arirecord metrics` lists the tables: calls, legs, transfers … There is also a view for each event type, named as
    in ARI (ChannelDtmfReceived), and `events` with all of them. DESCRIBE calls lists columns.

    Times in tables are UTC; local_time(started_at) converts them to --timezone.

    SQL is the text, or - for standard input. Several statements run in order, and each result is printed.

    With --since or --until, tables of calls have the rows that `arirecord TABLE` prints for these, and views of events
    those received then; only the parts that matter are opened. Tables that need more are refused.

    The SQL sees the session and nothing else: no other file, no network, no extensions; -o writes results.

    \b
    Examples:
      arirecord query session.parquet "SELECT * FROM calls"
      arirecord query session.parquet "FROM ChannelDtmfReceived" --format csv
      arirecord query days/ "SELECT disposition, count(*) FROM calls GROUP BY ALL"
      arirecord query days/ --file weekly.sql
      arirecord query /srv/lake "SELECT count(*) FROM calls" --since 2026-11-23
      arirecord query days/ "FROM kpis" --format json --timezone Europe/Prague
    """
    from arirecord.analytics.connection import Tables

    from .selection import windows_of

    if (sql is None) == (file is None):
        raise click.UsageError("Give either SQL, - for standard input, or --file FILE.")
    if sql is not None and sql != "-" and not re.search(r"\s", sql.strip()) and Path(sql).is_file():
        raise click.UsageError(f"{sql} is a file: add --file before it to run its SQL.")
    text = sql
    if text is None or text == "-":
        text = read_text(file or click.open_file("-", encoding="utf-8"))
    # Kept tables were computed with the defaults of all parameters.
    is_kept = re.search(r"\bSET\b", text, re.IGNORECASE) is None
    opened = open_session(session, since, until, timezone, has_calls=True, has_tables=is_kept)
    tables = Tables(opened, timezone, is_restricted=not unsafe, is_kept=is_kept)
    times = [window.times() for window in windows_of(opened, since, until, timezone)] if since or until else []
    if unsafe:
        _check_targets(text, session)
    with _advising_unsafe():
        for result in _results(tables, text, times, is_one=output.path is not None or output.format == "parquet"):
            if output.is_terminal and output.format == "table" and not output.vertical:
                write(*_for_terminal(result, text, output, timezone))
            else:
                write(result, output)


def _check_targets(sql: str, session: Path) -> None:
    """Refuse SQL that would replace the session, or add a part to it. Raises `TargetExists`."""
    from arirecord.session.object_store import ObjectPath
    from arirecord.session.output_file import check_inputs

    if not isinstance(session, ObjectPath):
        for name in re.findall(r"\bTO\s+'((?:[^']|'')+)'", sql, re.IGNORECASE):
            check_inputs(Path(name.replace("''", "'")), [session])


@contextmanager
def _advising_unsafe() -> "Iterator[None]":
    """Name `--unsafe` where DuckDB refuses to read another file or to change a setting."""
    import duckdb

    try:
        yield
    except (duckdb.PermissionException, duckdb.InvalidInputException) as error:
        message = str(error).partition("\n")[0]
        if isinstance(error, duckdb.InvalidInputException) and "configuration has been locked" not in message:
            raise
        raise click.ClickException(f"{message}. SQL sees only the session unless you add --unsafe") from None


def _for_terminal(
    result: "duckdb.DuckDBPyRelation", sql: str, output: Output, timezone: str
) -> tuple["duckdb.DuckDBPyRelation", Output, TableView]:
    """For a whole table (`FROM calls …`), return the columns that its own command shows on a terminal."""
    from arirecord.analytics.models import describe, mart_names

    named = re.match(r"\s*(?:SELECT\s+\*\s+)?FROM\s+(\w+)", sql, re.IGNORECASE)
    of_any = TableView("UTC" if timezone == "UTC" else "")  # SQL may have converted times
    if named is None or named[1].lower() not in mart_names():
        return result, output, of_any
    table = describe(named[1].lower())
    if not set(table.shown) <= set(result.columns) <= set(table.columns):
        return result, output, of_any
    hidden = [name for name in result.columns if name not in table.shown]
    return result.select(*table.shown), output, TableView(hidden=hidden)


def _results(
    tables: "Tables", sql: str, times: "Sequence[tuple[datetime | None, datetime | None]]", *, is_one: bool
) -> "Iterator[duckdb.DuckDBPyRelation]":
    """Run the statements one after another and yield the results of those that return rows.

    times: tables and views have only the rows of these; all rows without any.
    is_one: refuse a second result, before any statement runs.
    """
    statements = [(each.query, _has_rows(each)) for each in tables.connection.extract_statements(sql)]
    if not statements:
        raise click.UsageError('The SQL is empty. Try "SELECT * FROM calls".')
    if is_one and sum(has_rows for _, has_rows in statements) > 1:
        raise click.UsageError("Several results do not fit into one file: write one query for each.")
    for query, has_rows in statements:
        if times:
            _limit(tables, query, times)
        result = tables.sql(query)
        if result is not None and has_rows:
            yield result


def _limit(tables: "Tables", sql: str, times: "Sequence[tuple[datetime | None, datetime | None]]") -> None:
    from arirecord.analytics.rows_of_times import limit_to_times
    from arirecord.lake.pruning import CALL_TABLES

    try:
        limit_to_times(tables, sql, times, CALL_TABLES)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _has_rows(statement: "duckdb.Statement") -> bool:
    from duckdb import ExpectedResultType, StatementType

    types = statement.expected_result_type
    is_change = ExpectedResultType.CHANGED_ROWS in types  # of these, only PIVOT returns more than a count
    return ExpectedResultType.QUERY_RESULT in types and (not is_change or statement.type == StatementType.MULTI)
