"""The session that a command reads: its argument, and opening it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .console import say
from .output import Input

if TYPE_CHECKING:
    from arirecord.session.reader import SessionFile

__all__ = ["SessionInput", "SessionPaths", "open_session", "session_argument"]

Command = TypeVar("Command", bound=Callable[..., object])


class SessionPaths(tuple[Path, ...]):
    """Several paths or patterns that are read as one session. As text they are as on the command line."""

    def __str__(self) -> str:
        return " ".join(map(str, self))


SessionInput = Path | SessionPaths
"""The value of the argument SESSION."""


def session_argument(function: Command) -> Command:
    """Add the argument SESSION: one or more paths."""
    argument = click.argument("session", nargs=-1, required=True, type=Input(), callback=_one_or_several)
    return argument(function)


def _one_or_several(ctx: click.Context, argument: click.Parameter, paths: tuple[Path, ...]) -> Any:
    return SessionPaths(paths) if len(paths) > 1 else next(iter(paths), None)


def open_session(path: SessionInput) -> "SessionFile":
    """Open a session, and print what of it is not read. Raises as `arirecord.open_session` does."""
    from arirecord.session import reader

    session = reader.open_session(path)
    for remark in session.remarks:
        say(remark)
    return session
