"""Opening the session that a command reads."""

from pathlib import Path
from typing import TYPE_CHECKING

from .console import say

if TYPE_CHECKING:
    from arirecord.session.reader import SessionFile

__all__ = ["open_session"]


def open_session(path: Path) -> "SessionFile":
    """Open a session, and print what of it is not read. Raises as `arirecord.open_session` does."""
    from arirecord.session import reader

    session = reader.open_session(path)
    for remark in session.remarks:
        say(remark)
    return session
