"""`arirecord cat`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from .completions import complete_event_types
from .output import Input
from .terminal import say
from .types import TIME, timezone_option

if TYPE_CHECKING:
    from arirecord.select.times import Time
    from arirecord.session.reader import Frame

__all__ = ["command"]


@click.command("cat")
@click.argument("session", type=Input())
@click.option(
    "--format", "form", type=click.Choice(["raw", "jsonl"]), default="raw", show_default=True,
    help="raw: only the frames. jsonl: frames with their times, as `arirecord import` reads them.",
)  # fmt: skip
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    shell_complete=complete_event_types,
    help="Only events of this type (repeatable).",
)
@click.option("--channel", help="Only events of this channel (id or name).")
@click.option("--since", type=TIME, help="Only from then on: 14:03 (each day), 2026-11-23T14:03:10, +5m, seq:1234.")
@click.option("--until", type=TIME, help="Only before then.")
@timezone_option("Time zone of --since and --until")
@click.option("--all-kinds", is_flag=True, help="Print other rows too: connections, gaps, binary messages.")
def command(
    session: Path,
    form: str,
    types: tuple[str, ...],
    channel: str | None,
    since: "Time | None",
    until: "Time | None",
    timezone: str,
    all_kinds: bool,
) -> None:
    """Print the frames of a session, verbatim and in order.

    \b
    Examples:
      arirecord cat session.parquet | jq .type
      arirecord cat session.parquet --type Dial --type ChannelDestroyed --since +5m --until +6m
      arirecord cat days/ --since 14:00 --until 15:00 --timezone Europe/Prague
      arirecord cat session.parquet --channel PJSIP/1001-0000002a --format jsonl > one-channel.jsonl
    """
    from arirecord.select.times import is_in
    from arirecord.session.reader import open_session

    from .selection import no_rows, unknown_value, windows_of

    opened = open_session(session)
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
    out, line = sys.stdout.buffer, None
    for line in map(_raw if form == "raw" else _jsonl, frames):
        out.write(line)
    out.flush()
    if line is None:
        options = {"--since": since, "--until": until, "--type": types, "--channel": channel}
        known = opened.header.types
        others = [unknown_value("--type", name, known) for name in types if name not in known]
        say(no_rows("frames", opened, options, timezone, others))


def _raw(frame: "Frame") -> bytes:
    return frame.raw.encode() + b"\n"


def _jsonl(frame: "Frame") -> bytes:
    line = {"t": frame.t_ns, "frame": frame.raw} | ({"kind": frame.kind} if frame.kind != "event" else {})
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
