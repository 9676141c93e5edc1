"""`arirecord diff`."""

from pathlib import Path

import click

from .console import say
from .output import Input, Output, Verb
from .query_results import result_options, write

__all__ = ["command"]


@click.command("diff", cls=Verb)
@click.argument("a", type=Input())
@click.argument("b", type=Input())
@click.option("--ignore", multiple=True, metavar="COLUMN", help="Ignore this column (repeatable).")
@click.option("--all", "everything", is_flag=True, help="Compare the totals of every table.")
@result_options
def command(a: Path, b: Path, ignore: tuple[str, ...], everything: bool, output: Output) -> None:
    """Compare two sessions by their calls, column by column, and by the totals of their metrics.

    Calls are matched by id. The others are matched by caller and called number, in order; their ids and times of day
    are not compared. Exit codes: 0 no difference, 1 differences.

    \b
    Examples:
      arirecord diff yesterday.parquet today.parquet
      arirecord diff today.parquet shareable.parquet --ignore caller_number
      arirecord diff before.parquet after.parquet -o differences.csv
    """
    from arirecord.analytics.models import load_models
    from arirecord.transform.diff import MARTS, compare_sessions

    from .session_input import open_session

    marts = [m.name for m in load_models() if m.layer == "marts"] if everything else MARTS
    with compare_sessions(open_session(a), open_session(b), ignore=ignore, marts=marts) as differences:
        count = differences.rows.aggregate("count(*)").fetchall()[0][0]
        if count or output.format != "table":
            write(differences.rows, output)
        say(
            f"{count:,} differences."
            if count
            else f"No difference: {differences.call_count:,} calls and all totals match."
        )
    raise SystemExit(1 if count else 0)
