"""`arirecord cat`."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from .completions import complete_event_types
from .types import MOMENT, Moment

if TYPE_CHECKING:
    from arirecord.session.reader import Frame

__all__ = ["command"]


@click.command("cat")
@click.argument("session", type=click.Path(path_type=Path))
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
@click.option("--since", type=MOMENT, help="Only from then on: 2026-11-23T14:03:10 (UTC) or +5m from the start.")
@click.option("--until", type=MOMENT, help="Only before then.")
@click.option("--all-kinds", is_flag=True, help="Print other rows too: connections, gaps, binary messages.")
def command(
    session: Path,
    form: str,
    types: tuple[str, ...],
    channel: str | None,
    since: datetime | timedelta | None,
    until: datetime | timedelta | None,
    all_kinds: bool,
) -> None:
    """Print the frames of a session, verbatim and in order.

    \b
    Examples:
      arirecord cat session.parquet | jq .type
      arirecord cat session.parquet --type Dial --type ChannelDestroyed --since +5m --until +6m
      arirecord cat session.parquet --channel PJSIP/1001-0000002a --format jsonl > one-channel.jsonl
    """
    from arirecord.session.reader import open_session

    opened = open_session(session)
    start_ns = opened.header.started_ns + opened.header.first_elapsed_ns
    frames = opened.frames(
        kinds=None if all_kinds else ("event",),
        types=types or None,
        channel=channel,
        since_ns=Moment.to_ns(since, start_ns),
        until_ns=Moment.to_ns(until, start_ns),
    )
    out = sys.stdout.buffer
    for line in map(_raw if form == "raw" else _jsonl, frames):
        out.write(line)
    out.flush()


def _raw(frame: "Frame") -> bytes:
    return frame.raw.encode() + b"\n"


def _jsonl(frame: "Frame") -> bytes:
    line = {"t": frame.t_ns, "frame": frame.raw} | ({"kind": frame.kind} if frame.kind != "event" else {})
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
