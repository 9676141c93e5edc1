"""The session that a command reads: its argument, and opening it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from arirecord.select.times import RecordingSpan, Time, Window, select_windows
from arirecord.select.zones import find_zone

from .console import progress, say, voice, warn
from .output import Input

if TYPE_CHECKING:
    from arirecord.session.reader import SessionFile

__all__ = ["SessionInput", "SessionPaths", "open_session", "otlp_options", "server_option", "session_argument"]

Command = TypeVar("Command", bound=Callable[..., object])


class SessionPaths(tuple[Path, ...]):
    """Several paths or patterns that are read as one session. As text they are as on the command line."""

    def __str__(self) -> str:
        return " ".join(map(str, self))


SessionInput = Path | SessionPaths
"""The value of the argument SESSION."""


class _Chosen:
    """The values of `--server`, `--otlp` and `--otlp-attribute`. No server: all."""

    server: tuple[str, ...] = ()
    otlp: Path | None = None
    otlp_attribute: str | None = None

    def keep(self, ctx: click.Context, option: click.Parameter, value: Any) -> None:
        """Handle an option."""
        setattr(self, str(option.name), value)


_chosen = _Chosen()


def session_argument(function: Command) -> Command:
    """Add the argument SESSION, one or more paths, and the option `--server`."""
    argument = click.argument("session", nargs=-1, required=True, type=Input(), callback=_one_or_several)
    return argument(server_option(function))


def server_option(function: Command) -> Command:
    """Add the option `--server`, which `open_session` follows."""
    help = "Open only the recordings of this server, by its asterisk_id (repeatable)."
    return _kept_option("--server", multiple=True, metavar="NAME", help=help)(function)


def otlp_options(function: Command) -> Command:
    """Add the options `--otlp` and `--otlp-attribute`, which `open_session` follows."""
    help = "With --otlp: the attribute with the channel's id. Default: any that has one."
    function = _kept_option("--otlp-attribute", metavar="NAME", help=help)(function)
    help = "Read the bot's stages from OpenTelemetry traces in this file (OTLP JSON)."
    return _kept_option("--otlp", type=Input(), metavar="FILE", help=help)(function)


def _kept_option(name: str, **settings: Any) -> Callable[[Command], Command]:
    return click.option(name, expose_value=False, callback=_chosen.keep, **settings)


def _one_or_several(ctx: click.Context, argument: click.Parameter, paths: tuple[Path, ...]) -> Any:
    return SessionPaths(paths) if len(paths) > 1 else next(iter(paths), None)


def open_session(
    path: SessionInput,
    since: Time | None = None,
    until: Time | None = None,
    timezone: str = "UTC",
    *,
    has_calls: bool = False,
    has_tables: bool = False,
    select: Callable[[Time | None, Time | None, RecordingSpan], Sequence[Window]] | None = None,
) -> "SessionFile":
    """Open a session, and print what of it is not read. Raises as `arirecord.open_session` does.

    since, until, timezone: only the parts that matter are opened; `has_calls` as in `open_pruned`. Of a folder that is
        not a lake, all are opened for a time that is not absolute, and always for the number of a row.
    has_tables: tables are read: kept ones that lack new files are extended.
    select: returns what is needed for `since` and `until`, and then only parts of a lake are left out (None: the times
        between them).
    """
    from arirecord.session import reader

    values = [limit.value for limit in (since, until) if limit is not None]
    is_relative = select is not None or not all(isinstance(value, datetime) for value in values)
    has_place = any(isinstance(value, int) for value in values)
    if (values and not has_place) or _chosen.server:
        from arirecord.lake.pruning import open_pruned

        def windows(span: RecordingSpan) -> Sequence[Window]:
            span = replace(span, zone=find_zone(timezone))
            return [Window()] if has_place else (select or select_windows)(since, until, span)

        session = open_pruned(path, windows, is_relative=is_relative, servers=_chosen.server, has_calls=has_calls)
    else:
        session = reader.open_session(path)
    for remark in session.remarks:
        say(remark)
    for sentence in session.lost:
        warn(sentence)
        voice.has_lost = True
    if _chosen.otlp is not None:
        session.span_file = reader.SpanFile(_chosen.otlp, _chosen.otlp_attribute)
    if has_tables:
        from arirecord.analytics.kept_tables import keeps_tables

        if keeps_tables(session):
            from arirecord.lake.build_tables import extend_tables

            with progress() as update:
                extend_tables(session, update)
    return session
