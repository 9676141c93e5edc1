"""`arirecord report`."""

import click

from .console import progress, say
from .output import Output, Verb, output_options
from .param_types import settings_option, timezone_option
from .session_input import SessionInput, open_session, otlp_options, session_argument

__all__ = ["command"]


@click.command("report", cls=Verb)
@session_argument
@click.option("--title", help="Title of the page. Default: the name of the session.")
@click.option("--worst", type=click.IntRange(0, 200), default=12, show_default=True, help="Problems to list on top.")
@click.option(
    "--ladders",
    type=click.IntRange(0),
    default=5000,
    show_default=True,
    help="Calls with their ladder in the file: those with problems, then the latest.",
)
@settings_option
@otlp_options
@timezone_option("Time zone of all times, of days and hours, and of the filter in the page")
@output_options(
    formats={"html": (".html",)}, has_stdout=True, default="report.html", show_default=True, help="File to write."
)
def command(
    session: SessionInput,
    title: str | None,
    worst: int,
    ladders: int,
    settings: tuple[tuple[str, str], ...],
    timezone: str,
    output: Output,
) -> None:
    """Write an HTML report of a session: key figures, problems, plots, tables, and the calls with their ladders.

    The file is self-contained and works offline, in any browser. A filter by time, number and disposition acts on its
    plots and its table of calls. A ladder takes about a kilobyte of the file.

    \b
    Examples:
      arirecord report today.parquet
      arirecord report days/ -o week.html --timezone Europe/Prague --worst 30
      arirecord report days/ --set 'trunks=PJSIP/carrier*'
    """
    from arirecord.report.page import report_html

    opened = open_session(session, has_tables=not settings)
    with progress() as update:
        html = report_html(
            opened,
            title=title,
            worst=worst,
            ladders=ladders,
            settings=settings,
            timezone=timezone,
            progress=update,
        )
    output.write_text(html)
    if output.path is not None:
        say(f"{output.path}: {len(html.encode()) / 1e6:.1f} MB; open it in a browser.")
