"""`arirecord calls`, `legs`, `kpis` …: a command for each table, with the options that its columns allow."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from arirecord.suggest import unknown_name
from arirecord.tables import MartMethods

from .completion import completing, completing_list, later
from .console import live_line, say
from .output import Output, Verb
from .param_types import settings_option, time_options
from .query_results import TableView, result_options, write
from .session_input import SessionInput, open_session, otlp_options, session_argument

if TYPE_CHECKING:
    from arirecord.analytics.table_query import TableQuery
    from arirecord.select.times import Time

__all__ = ["command_for", "table_groups", "table_names"]

_OF_AGENTS = "turns agent_calls agent_stages"
_GROUPS = {
    "calls": "calls legs channels links dial_attempts transfers holds hangups queue_calls trunk_calls findings",
    "talk and audio": "conversations talk talk_intervals rtp_quality playbacks recordings",
    "voice agents": _OF_AGENTS,
    "DTMF and menus": "digits dtmf dtmf_patterns ivr_paths",
    "metrics": "kpis concurrency app_latency event_volume",
    "channels, apps and devices": "channel_states bridge_stays app_visits variables device_states registrations "
    "user_events",
}


def table_groups() -> dict[str, dict[str, tuple[str, str]]]:
    """Return the tables for the list of commands, with the summaries of the methods of `Session`.

    No model is read: `--help` must not wait for DuckDB.
    """
    return {
        f"Tables of {group}": {name: (f"tables:{name}", _summary(name)) for name in names.split()}
        for group, names in _GROUPS.items()
    }


def table_names() -> list[str]:
    """Return the names of all tables, sorted."""
    return sorted(name for names in _GROUPS.values() for name in names.split())


def _summary(table: str) -> str:
    return str(getattr(MartMethods, table).__doc__).partition("\n")[0]


@cache
def command_for(mart: str) -> click.Command:
    from arirecord.analytics.mart_columns import mart_columns
    from arirecord.analytics.models import load_models
    from arirecord.analytics.table_query import time_column

    columns = mart_columns(mart)
    is_macro = load_models([mart])[-1].is_macro
    moment = time_column(columns)
    options = [
        *([_bucket, _by] if is_macro else []),
        *([_times(moment)] if moment else []),
        *([_number, _disposition, _call] if "call_id" in columns else []),
        _where,
        _columns(columns),
        _all_columns,
        _sort(columns),
        _limit,
        settings_option,
        *([otlp_options] if mart in _OF_AGENTS.split() else []),
    ]

    def run(session: SessionInput, output: Output, **asked: Any) -> None:
        _answer(session, mart, list(columns), output, **asked)

    run.__doc__ = _help(mart, columns, is_macro, moment)
    function = result_options(run)
    for option in reversed(options):
        function = option(function)
    return click.command(mart, cls=Verb)(session_argument(function))


def _help(mart: str, columns: Sequence[str], is_macro: bool, moment: str | None) -> str:
    from arirecord.analytics.models import load_models

    examples = [f"arirecord {mart} today.parquet"]
    if is_macro:
        examples.append(f"arirecord {mart} today.parquet --bucket 1h --by trunk")
    if moment:
        examples.append(f"arirecord {mart} today.parquet --since 14:00 -o {mart}.csv")
    if "call_id" in columns:
        examples.append(f"arirecord {mart} days/ --number '+420*' --format jsonl")
    if mart == "dtmf":
        examples.append(f"arirecord {mart} today.parquet --set dtmf_gap_ms=5000")
    row = load_models([mart])[-1].row
    shown = "\n      ".join(examples)
    return f"""Print the table {mart}: one row is {row}.

    `arirecord metrics {mart}` describes its columns.

    \b
    Examples:
      {shown}
    """


_bucket = click.option("--bucket", metavar="LENGTH", help="One row per interval of this length: 15m, 1h, 1d.")
_by = click.option(
    "--by",
    type=click.Choice(["trunk", "prefix", "application", "endpoint", "origin", "server"]),
    help="One row per trunk, destination prefix, Stasis application, endpoint, endpoint of the first leg, or server.",
)
_number = click.option(
    "--number",
    "numbers",
    multiple=True,
    help="Calls with this caller, connected or dialled number; '+420*' begins, '*123' ends so (repeatable).",
)
_disposition = click.option(
    "--disposition",
    "dispositions",
    multiple=True,
    shell_complete=completing(later("arirecord.analytics.table_query:DISPOSITIONS")),
    help="Calls with this disposition: ANSWERED, BUSY, 'NO ANSWER' … (repeatable).",
)
_call = click.option(
    "--call", "calls", multiple=True, metavar="ID", help="The call with this id or with this channel id (repeatable)."
)
_where = click.option("--where", metavar="SQL", help="Rows that meet an SQL condition: 'talk_s > 60'.")
_limit = click.option("--limit", type=click.IntRange(min=0), help="Print at most this many rows.")
_all_columns = click.option(
    "--all-columns", is_flag=True, help="Print all columns on a terminal; a pipe and a file always get them."
)


def _columns(columns: Collection[str]) -> Any:
    return click.option(
        "--columns",
        metavar="NAMES",
        shell_complete=completing_list(lambda: columns),
        help="Print these columns, in this order: call_id,talk_s.",
    )


def _sort(columns: Collection[str]) -> Any:
    return click.option(
        "--sort",
        metavar="NAMES",
        shell_complete=completing_list(lambda: columns, "-"),
        help="Sort by these columns; -talk_s sorts in descending order.",
    )


def _times(column: str) -> Any:
    return time_options(
        begin_help=f"By {column}: 14:03 (each day), 2026-11-23T14:03, +5m, seq:1234.",
        until_help=f"By {column}, and before then.",
        others=("buckets", "tables on a terminal"),
    )


def _answer(
    session: SessionInput,
    mart: str,
    known: list[str],
    output: Output,
    settings: tuple[tuple[str, str], ...],
    timezone: str = "UTC",
    since: "Time | None" = None,
    until: "Time | None" = None,
    all_columns: bool = False,
    **asked: Any,
) -> None:
    from arirecord.analytics.connection import Tables
    from arirecord.analytics.models import describe
    from arirecord.analytics.parameters import set_statement
    from arirecord.analytics.table_query import TableQuery, models_asked, sql_of
    from arirecord.lake.pruning import CALL_TABLES

    from .selection import in_zone, no_rows, unknown_values, windows_of

    # Tables of other things than calls need what happened before.
    limits = (since, until, timezone) if mart in CALL_TABLES else ()
    opened = open_session(session, *limits, has_calls=True, has_tables=not settings)
    windows = windows_of(opened, since, until, timezone)
    asked["times"] = [window.times() for window in windows] if since or until else []
    for names in ("columns", "sort"):
        asked[names] = tuple(filter(None, map(str.strip, (asked[names] or "").split(","))))
    view = TableView(timezone, is_asked=bool(asked["columns"] or all_columns), is_whole=all_columns)
    if output.is_terminal and output.format == "table" and not (view.is_asked or output.vertical):
        asked["columns"] = _shown(mart, asked)
        hidden = [name for name in known if name not in asked["columns"]]
        view = TableView(timezone, hidden, show_all="--all-columns, --vertical or --columns")
    question = TableQuery(mart, **asked)
    # For several values, the message on one that does not occur lists all that do.
    calls = question.calls if len(question.calls) == 1 and mart in CALL_TABLES else ()
    made = Tables(opened, timezone, is_restricted=True, is_kept=not settings, calls=calls)
    try:
        for setting in settings:
            made.connection.execute(set_statement(*setting))
        sql = sql_of(question, known)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    doing = [""]
    with live_line(lambda: f"Making {doing[-1]} …"):
        made.need_for(sql, models_asked(question), begin=doing.append)
    with _naming_where(question, known):
        rows = made.connection.sql(sql)
        count = write(in_zone(rows, timezone) if output.format in ("table", "markdown") else rows, output, view)
    others = unknown_values(made.connection, asked, has_rows=count > 0)
    if count == 0 and question.limit != 0:
        options = {
            "--since": since,
            "--until": until,
            "--disposition": question.dispositions,
            "--number": question.numbers,
        }
        options |= {"--call": question.calls, "--where": question.where}
        if (needs := describe(mart).needs) and not any(options.values()):
            others = [f"The table needs: {needs}"]
        say(no_rows("rows", opened, options, timezone, others))
    elif others:
        say(" ".join(others))


def _shown(mart: str, asked: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of a table for a terminal, without those that are empty unless the rows are grouped."""
    from arirecord.analytics.models import describe

    unused = {"bucket_at"} if "bucket" in asked and not asked["bucket"] else set()
    unused |= {"group_value"} if "by" in asked and not asked["by"] else set()
    return tuple(name for name in describe(mart).shown if name not in unused)


@contextmanager
def _naming_where(question: "TableQuery", known: list[str]) -> Iterator[None]:
    """Blame errors of a query on its `where`, which is the only SQL from the user."""
    import duckdb

    from arirecord.analytics.restricted_sql import check_statement
    from arirecord.analytics.sql_errors import unknown_column

    try:
        check_statement(question.where or "")
        yield
    except (
        duckdb.ConversionException,
        duckdb.ParserException,
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.PermissionException,
    ) as error:
        if question.where is None:
            raise
        if column := unknown_column(error):
            raise unknown_name(f"--where: {question.mart} has no column", column, known) from error
        message = str(error).partition("\n")[0].partition(": ")[2]
        raise click.UsageError(f"--where {question.where!r} is not a condition in SQL: {message}") from error
