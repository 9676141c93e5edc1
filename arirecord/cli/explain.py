"""`arirecord explain`."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from arirecord.select.times import Time, select_windows
from arirecord.select.zones import find_zone, local_time

from .console import machine_output, progress, say
from .output import Formats, Input, Output, Verb, output_options
from .param_types import time_options
from .query_results import TableView, show_rows
from .session_input import open_session, otlp_options, server_option

if TYPE_CHECKING:
    import duckdb

    from arirecord.report.search import FoundCall
    from arirecord.report.story import Story
    from arirecord.session.reader import SessionFile

__all__ = ["command"]

_UNIQUE_ID = re.compile(r"(?:^|-)(\d{10})\.\d+$")
_FORMATS: Formats = {"text": (".txt",), "mermaid": (".mmd", ".md"), "svg": (".svg",), "html": (".html",)}


@click.command("explain", cls=Verb)
@click.argument("session", type=Input())
@server_option
@click.argument("call", required=False)
@click.option("--all", "is_all", is_flag=True, help="Every call that matches CALL; without CALL, every call.")
@click.option("--worst", type=click.IntRange(1), metavar="N", help="The N worst of the calls with a problem.")
@click.option(
    "--rule", "rules", multiple=True, metavar="RULE",
    help="With --worst: only calls that this rule of the linter finds, such as transfer-failed (repeatable).",
)  # fmt: skip
@click.option("--seq", type=click.IntRange(0), metavar="N", help="Show the call of row N, and mark the row.")
@click.option(
    "--details", is_flag=True, help="Also show dialplan steps, caller ids, Asterisk's own variables and row numbers."
)
@click.option("--width", type=click.IntRange(60), help="Columns of the text.  [default: the terminal's, else 100]")
@click.option("--lanes", type=click.IntRange(2), help="Show at most this many lanes; further channels share one.")
@otlp_options
@time_options(
    begin_help="Only calls that started from then on: 14:03 (each day), 2026-11-23T14:03, +5m, seq:1234.",
    until_help="Only calls that started before then.",
    others=("the time of the call",),
)
@output_options(
    formats=_FORMATS,
    has_format=True,
    is_folder=lambda given: False,  # but for its name
    has_stdout=True,
    help="Write there; the ending decides the format, and a name that ends in / is a folder.",
)
def command(
    session: Path,
    call: str | None,
    is_all: bool,
    worst: int | None,
    rules: tuple[str, ...],
    seq: int | None,
    details: bool,
    width: int | None,
    lanes: int | None,
    since: "Time | None",
    until: "Time | None",
    timezone: str,
    output: Output,
) -> None:
    """Show a call as a ladder diagram: its parties, its channels and events, and what looks wrong.

    CALL is a call id, a channel id or name, or a phone number. If several calls match a number, they are listed. The
    ladder shows channels as columns and events as rows; `docs/explain.md` explains it.

    \b
    Examples:
      arirecord explain session.parquet 1795474818.125
      arirecord explain session.parquet 1002 --all
      arirecord explain session.parquet --worst 5 -o worst.html
      arirecord explain /srv/lake 1002 --since 2026-11-23 --until 2026-11-24
      arirecord explain session.parquet --seq 1207
      arirecord explain session.parquet PJSIP/1001-0000002a --format mermaid
    """
    if rules and worst is None:
        raise click.UsageError("--rule needs --worst.")
    chosen = sum(choice is not None for choice in (call, worst, seq))
    if chosen > 1 or (not chosen and not is_all):
        raise click.UsageError("Name a call by an id, a channel or a number, or give --worst N, --seq N or --all.")
    if seq is not None and (since or until):
        raise click.UsageError("--seq names a row of the whole recording: leave out --since and --until.")
    from arirecord.report.build_story import story
    from arirecord.report.search import find_calls

    from .selection import windows_of

    connection, times = None, []
    # Rows have their numbers, which details show, in the whole recording.
    if call is not None and not (details or since or until) and (made_at := _time_of_id(call)):
        opened, connection = _open(session, call, *made_at, timezone, select=select_windows)
        if opened.pruned_from and not find_calls(connection, call):
            connection = None
    if connection is None:
        opened, connection = _open(session, call, since, until, timezone)
        times = [window.times() for window in windows_of(opened, since, until, timezone)] if since or until else []
    calls = _choose_calls(connection, session, call, worst, rules, seq, times)
    if not calls and output.path:
        return
    if len(calls) > 1 and worst is None and not is_all:
        _list(calls, timezone)
        matching = f"{len(calls)} calls match {call if seq is None else f'row {seq}'}: name one by its id, or add --all"
        if output.format != "text" or output.path:
            raise click.UsageError(matching)
        say(f"{matching}.")
        return
    with progress(len(calls)) as update:

        def stories() -> "Iterator[tuple[FoundCall, Story]]":
            for place, one in enumerate(calls, 1):
                yield one, story(connection, one.call_id, details=details, seq=seq, server=one.server)
                if len(calls) > 1:
                    update("calls", place)

        _write(stories(), len(calls), output, width, lanes, has_rows=details or seq is not None)


def _time_of_id(call: str) -> tuple[Time, Time] | None:
    """Return the second in which Asterisk made a channel, by its id; None for other texts."""
    unique = _UNIQUE_ID.search(call)
    if unique is None:
        return None
    made_at = datetime.fromtimestamp(int(unique[1]), UTC)
    return Time(call, made_at), Time(call, made_at + timedelta(seconds=1))


def _open(
    session: Path, call: str | None, since: Time | None, until: Time | None, timezone: str, **options: Any
) -> "tuple[SessionFile, duckdb.DuckDBPyConnection]":
    """Open the parts with the calls of a time, and compute their tables."""
    from arirecord.analytics.connection import Tables
    from arirecord.report import call_data, search

    opened = open_session(session, since, until, timezone, has_calls=True, has_tables=True, **options)
    tables = Tables(opened, timezone, is_kept=True, calls=[] if call is None else [call])
    tables.need({*call_data.MODELS, *search.MODELS})
    return opened, tables.connection


def _choose_calls(
    connection: "duckdb.DuckDBPyConnection",
    session: Path,
    call: str | None,
    worst: int | None,
    rules: Sequence[str],
    seq: int | None,
    times: "Sequence[tuple[datetime | None, datetime | None]]",
) -> "Sequence[FoundCall]":
    """Return the calls that the options select; of some `times`, those that started then."""
    from arirecord.report.linter_rules import RULES
    from arirecord.report.search import all_calls, calls_of_row, find_calls, worst_calls

    def of_times(calls: "Sequence[FoundCall]") -> "Sequence[FoundCall]":
        return [one for one in calls if not times or any(_is_between(one.started_at, *limits) for limits in times)]

    when = " in this time" if times else ""
    if call is not None:
        calls = of_times(find_calls(connection, call))
        if not calls:
            raise click.ClickException(
                f"{session} has no call, channel or number {call}{when}. `arirecord calls {session}` lists the calls."
            )
        return calls
    if seq is not None:
        try:
            calls = calls_of_row(connection, seq)
        except LookupError as error:
            raise click.ClickException(f"{error.args[0]}. `arirecord info {session}` counts the rows.") from error
        if not calls:
            raise click.ClickException(
                f"row {seq} of {session} is about no call; `arirecord cat --seq {seq}` prints it"
            )
        return calls
    try:
        calls = of_times(
            all_calls(connection)
            if worst is None
            else worst_calls(connection, None if times else worst, rules or RULES)
        )[:worst]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not calls:
        say(f"No call{when} has such a problem." if worst is not None else f"{session} has no calls{when}.")
    return calls


def _is_between(started_at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    return started_at is not None and not (since and started_at < since) and not (until and started_at >= until)


def _list(calls: "Sequence[FoundCall]", timezone: str) -> None:
    zone = find_zone(timezone)
    names = ("call_id", "started_at", "from", "to", "disposition", "duration_s")
    rows = [
        (
            one.call_id, one.started_at and local_time(one.started_at, zone), one.caller, one.dialled,
            one.disposition, one.duration_s,
        )
        for one in calls
    ]  # fmt: skip
    show_rows(names, [name == "duration_s" for name in names], rows, TableView(timezone))


def _write(
    stories: "Iterator[tuple[FoundCall, Story]]",
    count: int,
    output: Output,
    width: int | None,
    lanes: int | None,
    *,
    has_rows: bool,
) -> None:
    """Write stories as they come: to stdout, a file, or one file each in a folder."""
    form = output.format
    is_of_one = form == "svg" or (output.path is not None and output.path.suffix == ".mmd")
    if is_of_one and count > 1 and not output.is_folder:
        raise click.UsageError(f"An {_FORMATS[form][0]} file shows one call: give -o FOLDER/ for one file per call.")
    if output.is_folder:
        folder = output.required_path
        folder.mkdir(parents=True, exist_ok=True)
        for one, story in stories:
            target = folder / f"{_file_name(one.call_id)}{_FORMATS[form][0]}"
            text = "".join(_rendered(iter([(one, story)]), 1, form, width, lanes, has_rows=has_rows))
            with output.file(target) as path:
                path.write_text(text, encoding="utf-8")
            say(f"{target}: {one.problem}" if one.problem else str(target))
    elif form == "text" and output.is_terminal:
        _show(stories, width, lanes, has_rows)
    elif output.path is None:
        out = machine_output()
        for text in _rendered(stories, count, form, width, lanes, has_rows=has_rows):
            out.write(text.encode())
        out.flush()
    else:
        is_markdown = count > 1 or output.path.suffix == ".md"
        with output.file() as path, path.open("w", encoding="utf-8") as file:
            file.writelines(_rendered(stories, count, form, width, lanes, has_rows=has_rows, is_markdown=is_markdown))


def _file_name(call_id: str) -> str:
    return re.sub(r"[^\w.-]", "_", call_id)


def _rendered(
    stories: "Iterator[tuple[FoundCall, Story]]",
    count: int,
    form: str,
    width: int | None,
    lanes: int | None,
    *,
    has_rows: bool,
    is_markdown: bool = False,
) -> Iterator[str]:
    """Return the text of the file, in parts. Several Mermaid diagrams make Markdown, and one in a Markdown file."""
    if form == "html":
        from arirecord.report.ladder_html import MAX_LANES, ladder_html

        yield ladder_html(*(story for _, story in stories), max_lanes=lanes or MAX_LANES)
    elif form == "svg":
        from arirecord.report.ladder_svg import MAX_LANES, ladder_svg

        yield from (ladder_svg(story, max_lanes=lanes or MAX_LANES) for _, story in stories)
    elif form == "mermaid":
        from arirecord.report.ladder_mermaid import MAX_LANES, ladder_mermaid

        for one, story in stories:
            text = ladder_mermaid(story, max_lanes=lanes or MAX_LANES)
            title = ": ".join(filter(None, (one.call_id, one.problem)))
            yield text if count == 1 and not is_markdown else f"## {title}\n\n```mermaid\n{text}```\n\n"
    else:
        from arirecord.report.ladder_text import MAX_LANES, ladder_text

        for place, (one, story) in enumerate(stories):
            head = f"{'─' * (width or 100)}\n{one.problem}".rstrip() + "\n" if count > 1 else ""
            text = ladder_text(story, width=width or 100, max_lanes=lanes or MAX_LANES, has_rows=has_rows)
            yield ("\n" if place else "") + head + text


def _show(stories: "Iterator[tuple[FoundCall, Story]]", width: int | None, lanes: int | None, has_rows: bool) -> None:
    """Print stories in colours on the terminal."""
    from rich.console import Console

    from arirecord.report.ladder_text import MAX_LANES, renderable

    console = Console(width=width, highlight=False, markup=False, emoji=False)
    for _, story in stories:
        shown = renderable(story, width=console.width, max_lanes=lanes or MAX_LANES, has_rows=has_rows)
        console.print(shown)
        console.print()
