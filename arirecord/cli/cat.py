"""`arirecord cat`."""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from .console import machine_output, say
from .param_types import time_options, types_option
from .session_input import SessionInput, open_session, session_argument

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from arirecord.select.times import Time
    from arirecord.session.reader import Frame

__all__ = ["command"]

_LOOK_S = 0.1
"""No file system reports to all its readers that a file has grown: it is looked at."""


@click.command("cat")
@session_argument
@click.option(
    "--format", "form", type=click.Choice(["raw", "jsonl"]), default="raw", show_default=True,
    help="raw: only the frames. jsonl: frames with their times, as `arirecord import` reads them.",
)  # fmt: skip
@types_option("--type", "types", help="Only events of this type (repeatable).")
@click.option("--channel", help="Only events of this channel (id or name).")
@time_options()
@click.option("--call", metavar="ID", help="Only the rows of this call, by its id or a channel's id or name.")
@click.option("--seq", "seqs", type=click.IntRange(0), multiple=True, metavar="N", help="Only row N (repeatable).")
@click.option("--follow", "-f", is_flag=True, help="Of a running recording: print each further frame as it comes.")
@click.option("--all-kinds", is_flag=True, help="Print other rows too: connections, gaps, binary messages.")
def command(
    session: SessionInput,
    form: str,
    types: tuple[str, ...],
    channel: str | None,
    since: "Time | None",
    until: "Time | None",
    timezone: str,
    call: str | None,
    seqs: tuple[int, ...],
    follow: bool,
    all_kinds: bool,
) -> None:
    """Print the frames of a session, verbatim and in order.

    \b
    Examples:
      arirecord cat session.parquet | jq .type
      arirecord cat session.parquet --type Dial --since +5m --until +6m
      arirecord cat days/ --since 14:00 --until 15:00 --timezone Europe/Prague
      arirecord cat session.parquet --channel PJSIP/1001-0000002a --format jsonl
      arirecord cat session.parquet --call 1795474818.125
      arirecord cat session.parquet --seq 1207
      arirecord cat session.parquet --follow --type StasisStart | jq .channel.name

    --follow reads what the recorder has kept so far, without disturbing it, and ends when the recording ends or on
    Ctrl-C. It goes on through the parts of a folder.
    """
    from arirecord.select.times import is_in

    from .selection import no_rows, unknown_names, windows_of

    line_of = _raw if form == "raw" else _jsonl
    if follow:
        if not isinstance(session, Path):
            raise click.UsageError("--follow follows one path.")
        if call is not None or seqs or channel or since or until:
            raise click.UsageError("--follow cannot be combined with --call, --seq, --channel, --since or --until.")
        _follow(session, line_of, types, all_kinds=all_kinds)
        return
    if call is not None or seqs:
        if types or channel or since or until or all_kinds or (call is not None and seqs):
            raise click.UsageError("--call and --seq cannot be combined with each other or with another filter.")
        _print(map(line_of, _of_call(session, call) if call is not None else _of_rows(session, seqs)))
        return
    opened = open_session(session, since, until, timezone)
    windows = windows_of(opened, since, until, timezone)
    frames = opened.frames(
        kinds=None if all_kinds else ("event",),
        types=types or None,
        channel=channel,
        since_ns=windows[0].begin and windows[0].begin.ns,
        until_ns=windows[-1].end and windows[-1].end.ns + 1,
    )
    if since or until:
        frames = filter(is_in(windows), frames)
    unknown = unknown_names(opened, types)
    if not _print(map(line_of, frames)):
        options = {"--since": since, "--until": until, "--type": types, "--channel": channel}
        say(no_rows("frames", opened, options, timezone, unknown))
    elif unknown:
        say(" ".join(unknown))


def _print(lines: "Iterator[bytes]") -> bool:
    """Print lines on stdout. Return whether there were any."""
    out, line = machine_output(), None
    for line in lines:
        out.write(line)
    out.flush()
    return line is not None


def _follow(session: Path, line_of: "Callable[[Frame], bytes]", types: "Collection[str]", *, all_kinds: bool) -> None:
    """Print rows until the recording ends. Ctrl-C ends it as it should."""
    from arirecord.session.follow import follow

    out = machine_output()
    with suppress(KeyboardInterrupt):
        for frame in follow(session, partial(time.sleep, _LOOK_S)):
            if frame is None:
                out.flush()
            elif (all_kinds or frame.kind == "event") and (not types or frame.type in types):
                out.write(line_of(frame))
    out.flush()


def _of_call(session: SessionInput, call: str) -> "Iterator[Frame]":
    from arirecord.analytics import connect
    from arirecord.analytics.connection import tables_of_server
    from arirecord.report.call_rows import rows_of_call
    from arirecord.report.search import MODELS, find_calls

    connection = connect(open_session(session), models=MODELS)
    calls = find_calls(connection, call)
    if len(calls) != 1:
        raise click.ClickException(
            f"{len(calls) or 'No'} calls match {call}. `arirecord calls {session}` lists the calls."
        )
    with tables_of_server(connection, calls[0].server):
        return map(_frame, rows_of_call(connection, calls[0].call_id))


def _of_rows(session: SessionInput, seqs: tuple[int, ...]) -> "Iterator[Frame]":
    from arirecord.analytics import connect
    from arirecord.report.call_rows import rows_at

    rows = rows_at(connect(open_session(session), models=()), list(seqs))
    if missing := sorted(set(seqs) - {row["seq"] for row in rows}):
        raise click.ClickException(f"{session} has no row {missing[0]}. `arirecord info {session}` counts its rows.")
    return map(_frame, rows)


def _frame(row: "Mapping[str, Any]") -> "Frame":
    from arirecord.session.reader import Frame

    t_ns = (row["received_at"].replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    names = ("elapsed_ns", "kind", "type", "application", "raw")
    return Frame(row["seq"], t_ns * 1000, *(row[name] for name in names))


def _raw(frame: "Frame") -> bytes:
    return frame.raw.encode() + b"\n"


def _jsonl(frame: "Frame") -> bytes:
    line = {"t": frame.t_ns, "frame": frame.raw} | ({"kind": frame.kind} if frame.kind != "event" else {})
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
