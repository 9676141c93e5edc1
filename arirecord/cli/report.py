"""`arirecord report`."""

from pathlib import Path

import click

from arirecord.handling.files import new_file

from .terminal import progress, say

__all__ = ["command"]


@click.command("report")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    help="File to write.",
)
@click.option("--title", help="Title of the page. Default: the name of the session.")
@click.option("--worst", type=click.IntRange(0, 200), default=12, show_default=True, help="Number of ladders.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(session: Path, output: Path, title: str | None, worst: int, force: bool) -> None:
    """Write an HTML report of a session: key figures, plots, calls, and ladders of the calls with problems.

    The file is self-contained and works offline, in any browser.

    \b
    Examples:
      arirecord report today.parquet
      arirecord report days/ -o week.html --title "Week 47" --worst 30
    """
    from arirecord.report.page import report_html
    from arirecord.session.reader import open_session

    with new_file(output, force=force) as path:
        opened = open_session(session)
        with progress() as update:
            html = report_html(opened, title=title, worst=worst, progress=update)
        path.write_text(html, encoding="utf-8")
    say(f"{output}: {output.stat().st_size / 1e6:.1f} MB; open it in a browser.")
