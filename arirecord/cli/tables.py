"""`arirecord calls`, `legs`, `kpis` …: a command for each mart, with the options that its columns allow."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from arirecord.suggest import unknown_name

from .output import output_options, write
from .terminal import live_line
from .types import MOMENT, Moment

if TYPE_CHECKING:
    import duckdb

    from arirecord.analytics.connection import Tables
    from arirecord.analytics.questions import Question

__all__ = ["command_for", "tables"]

_MARTS = Path(__file__).parents[1] / "analytics" / "models" / "marts"


def tables() -> dict[str, tuple[str, str]]:
    """Each mart's line in the table of verbs. Reads only the files' first words: `--help` must not wait for DuckDB."""
    return {path.stem: (f"tables:{path.stem}", _row(path)) for path in sorted(_MARTS.glob("*.sql"))}


def _row(path: Path) -> str:
    comment = " ".join(line[2:].strip() for line in path.read_text("utf-8").splitlines()[:3] if line.startswith("--"))
    first = comment.removeprefix("-- ").removeprefix("One row is ")
    return min((first.partition(mark)[0] for mark in (". ", ": ", ", ", " (", "; ")), key=len)


def command_for(mart: str) -> click.Command:
    """The command of a mart."""
    from arirecord.analytics.connection import columns_of_models
    from arirecord.analytics.models import load_models
    from arirecord.analytics.questions import time_column

    columns = columns_of_models([mart])[mart]
    is_macro = load_models([mart])[-1].is_macro
    moment = time_column(columns)
    options = [
        *([_bucket, _by] if is_macro else []),
        *([_since(moment), _until(moment)] if moment else []),
        *([_number, _disposition, _call] if "call_id" in columns else []),
        _where,
        _columns,
        _sort,
        _limit,
        _set,
    ]

    def run(session: Path, form: str, output: Path | None, **asked: Any) -> None:
        _answer(session, mart, list(columns), form, output, **asked)

    run.__doc__ = _help(mart, columns, is_macro, moment)
    function = output_options(run)
    for option in reversed(options):
        function = option(function)
    function = click.argument("session", type=click.Path(path_type=Path))(function)
    return click.command(mart)(function)


def _help(mart: str, columns: dict[str, str], is_macro: bool, moment: str | None) -> str:
    from arirecord.analytics.models import load_models

    examples = [f"arirecord {mart} today.parquet"]
    if is_macro:
        examples.append(f"arirecord {mart} today.parquet --bucket 1h --by trunk")
    if moment:
        examples.append(f"arirecord {mart} today.parquet --since 14:00 --until 15:00 --format csv -o {mart}.csv")
    if "call_id" in columns:
        examples.append(f"arirecord {mart} days/ --number '+420*' --format jsonl")
    if mart == "dtmf":
        examples.append(f"arirecord {mart} today.parquet --set dtmf_gap_ms=5000")
    row = load_models([mart])[-1].row
    shown = "\n      ".join(examples)
    return f"""Print {mart}: one row is {row}.

    `arirecord metrics {mart}` says what each column means.

    \b
    Examples:
      {shown}
    """


_bucket = click.option("--bucket", metavar="LENGTH", help="A row for each 15m, 1h, 1d … of time.")
_by = click.option(
    "--by",
    type=click.Choice(["trunk", "prefix", "application", "endpoint", "origin"]),
    help="A row for each: trunk, destination prefix, Stasis application, endpoint, endpoint of the call's first leg.",
)
_number = click.option(
    "--number", "numbers", multiple=True, help="Calls in which a number took part that begins so, or is like '*123'."
)
_disposition = click.option(
    "--disposition", "dispositions", multiple=True, help="Calls that ended so: ANSWERED, BUSY, 'NO ANSWER' …"
)
_call = click.option("--call", "calls", multiple=True, metavar="ID", help="The call of this id, or of this channel.")
_where = click.option("--where", metavar="SQL", help="A condition on the columns: 'talk_s > 60'.")
_columns = click.option("--columns", metavar="NAMES", help="Only these, in this order: call_id,talk_s.")
_sort = click.option("--sort", metavar="NAMES", help="Order by these columns; -talk_s is downwards.")
_limit = click.option("--limit", type=click.IntRange(min=0), help="So many rows at most.")
_set = click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter; `metrics` lists them.")


def _since(column: str) -> Any:
    return click.option("--since", type=MOMENT, help=f"By {column}: 2026-11-23T14:03, 14:03 (UTC), +5m from the start.")


def _until(column: str) -> Any:
    return click.option("--until", type=MOMENT, help=f"By {column}, and before then.")


def _answer(
    session: Path,
    mart: str,
    known: list[str],
    form: str,
    output: Path | None,
    settings: tuple[str, ...],
    **asked: Any,
) -> None:
    from arirecord.analytics.connection import Tables
    from arirecord.analytics.parameters import set_statement
    from arirecord.analytics.questions import Question, models_asked, sql_of
    from arirecord.analytics.views import views_named_in
    from arirecord.session.reader import open_session

    opened = open_session(session)
    start_ns = opened.header.started_ns + opened.header.first_elapsed_ns
    for side in ("since", "until"):
        asked[side] = Moment.to_utc(asked.get(side), start_ns)
    for names in ("columns", "sort"):
        asked[names] = tuple(filter(None, (asked[names] or "").split(",")))
    question = Question(mart, **asked)
    made = Tables(opened)
    try:
        for setting in settings:
            made.connection.execute(set_statement(*_pair(setting)))
        sql = sql_of(question, known)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    doing = [""]
    with live_line(lambda: f"Making {doing[-1]} …"):
        made.need_views(views_named_in(sql))
        made.need(models_asked(question), begin=doing.append)
    write(_rows(made, sql, question, known), form, output)


def _rows(made: "Tables", sql: str, question: "Question", known: list[str]) -> "duckdb.DuckDBPyRelation":
    """The rows of a question, whose `where` is the only SQL that the user wrote."""
    import duckdb

    from arirecord.analytics.sql_errors import unknown_column

    try:
        return made.connection.sql(sql)
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        if column := unknown_column(error):
            raise unknown_name(f"--where: {question.mart} has no column", column, known) from error
        what = str(error).partition("\n")[0].partition(": ")[2]
        raise click.UsageError(f"--where {question.where!r} is not a condition in SQL: {what}") from error


def _pair(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise ValueError(f"{setting!r} is no setting such as dtmf_gap_ms=5000")
    return name.strip(), value.strip()
