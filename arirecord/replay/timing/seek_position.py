"""Positions in a recording at which a replay starts, seeks or ends."""

import re

from arirecord.errors import ReplayError
from arirecord.select.times import Position, parse_time, select_stretch
from arirecord.session.positions import recording_span
from arirecord.session.reader import SessionFile

__all__ = ["find_place"]


def find_place(to: str, session: SessionFile) -> Position:
    """Return the position of a time as `parse_time` takes it, or of a number of seconds since the recording started.

    Raises `ReplayError` for anything else, and as `select_stretch` does.
    """
    if re.fullmatch(r"\d{1,9}(\.\d{1,20})?(e-\d{1,2})?", to):  # as Python and JavaScript write a computed number
        return Position(session.header.started_ns + round(float(to) * 1e9))
    try:
        place = select_stretch(parse_time(to), None, recording_span(session)).begin
    except ValueError as error:
        raise ReplayError(str(error)) from None
    assert place is not None
    return place
