"""`arirecord diff`."""

from pathlib import Path

import click

from .output import output_options, write
from .terminal import say

__all__ = ["command"]


@click.command("diff")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave this column out; may be given again.")
@output_options
def command(a: Path, b: Path, ignore: tuple[str, ...], form: str, output: Path | None) -> None:
    """Compare two sessions by their calls, column by column, and by the totals of all metrics.

    Calls are matched by id, the rest by who called whom, in order; then ids and times of day are not compared. Exit
    codes: 0 nothing differs, 1 something does.

    \b
    Examples:
      arirecord diff yesterday.parquet today.parquet
      arirecord diff today.parquet shareable.parquet --ignore caller_number --ignore called_number
      arirecord diff before.parquet after.parquet --format csv -o differences.csv
    """
    from arirecord.handling.diff import compare_sessions
    from arirecord.session.reader import open_session

    with compare_sessions(open_session(a), open_session(b), ignore=ignore) as found:
        count = found.rows.aggregate("count(*)").fetchall()[0][0]
        if count or form != "table":
            write(found.rows, form, output)
        say(f"{count:,} differences." if count else f"No difference: {found.call_count:,} calls, and all totals.")
    raise SystemExit(1 if count else 0)
