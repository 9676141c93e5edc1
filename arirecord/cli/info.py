"""`arirecord info`."""

from typing import TYPE_CHECKING, Any

import click
import orjson

from .console import echo, machine_output
from .session_input import SessionInput, open_session, session_argument

if TYPE_CHECKING:
    from arirecord.session.reader import SessionFile

__all__ = ["command", "describe"]


@click.command("info")
@session_argument
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(session: SessionInput, form: str) -> None:
    """Show a summary of a session: source, times, events by type, channels, gaps, drift and size.

    \b
    Examples:
      arirecord info session.parquet
      arirecord info days/ --format json | jq .drift
    """
    facts = describe(open_session(session))
    if form == "json":
        machine_output().write(orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    else:
        for name, value in facts.items():
            _print(name, value)


def describe(session: "SessionFile") -> dict[str, Any]:
    """Return the facts that `arirecord info` prints."""
    header = session.header
    size = sum(path.stat().st_size for path in session.paths)
    return {
        "session": str(session.path),
        "files": len(session.paths),
        "source": dict(header.source),
        "from": header.first_at,
        "to": header.last_at,
        "duration_s": header.duration_ns / 1e9,
        "recorded_s": session.recorded_time.duration_ns / 1e9,
        "ended": header.ended,
        "events": header.events,
        "channels": session.channel_count(),
        "applications": header.applications,
        "asterisk_ids": header.asterisk_ids,
        "types": header.types,
        "gaps": header.gap_count,
        "lost": header.lost_count,
        "drift": header.drift,
        "problems": header.problem_count,
        "frame_bytes": header.frame_bytes,
        "file_bytes": size,
        "bytes_per_event": round(size / header.events, 1) if header.events else None,
        "format": header.format,
        "arirecord": header.arirecord,
    }


def _print(name: str, value: Any) -> None:
    label = f"{name.replace('_', ' '):16}"
    if isinstance(value, dict):
        entries = _entries(value)
        if not entries:
            echo(f"{label}none")
        for key, entry in entries:
            echo(f"{label}{entry:>12,}  {key}" if type(entry) is int else f"{label}{key}: {entry}")
            label = " " * 16
    elif isinstance(value, float):
        echo(f"{label}{value:,.3f}")
    elif isinstance(value, int):
        echo(f"{label}{value:,}")
    else:
        echo(f"{label}{'–' if value is None else value}")


def _entries(value: dict[str, Any]) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, entry in value.items():
        if isinstance(entry, dict):
            flat += [(f"{key}: {where or '(whole frame)'}", count) for where, count in entry.items()]
        else:
            flat.append((key or "(none)", entry if not isinstance(entry, list) else ", ".join(map(str, entry))))
    return flat
