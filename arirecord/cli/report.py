"""`arirecord report`."""

from pathlib import Path

import click

from .output import Input, Output, Verb, output_options
from .terminal import progress, say

__all__ = ["command"]


@click.command("report", cls=Verb)
@click.argument("session", type=Input())
@click.option("--title", help="Title of the page. Default: the name of the session.")
@click.option("--worst", type=click.IntRange(0, 200), default=12, show_default=True, help="Number of ladders.")
@output_options(
    formats={"html": (".html",)}, has_stdout=True, default="report.html", show_default=True, help="File to write."
)
def command(session: Path, title: str | None, worst: int, output: Output) -> None:
    """Write an HTML report of a session: key figures, plots, calls, and ladders of the calls with problems.

    The file is self-contained and works offline, in any browser.

    \b
    Examples:
      arirecord report today.parquet
      arirecord report days/ -o week.html --title "Week 47" --worst 30
    """
    from arirecord.report.page import report_html
    from arirecord.session.reader import open_session

    opened = open_session(session)
    with progress() as update:
        html = report_html(opened, title=title, worst=worst, progress=update)
    output.write_text(html)
    if output.path is not None:
        say(f"{output.path}: {len(html.encode()) / 1e6:.1f} MB; open it in a browser.")
