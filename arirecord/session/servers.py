"""The Asterisk servers of a session: which rows each of them sent."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .header import Header

__all__ = ["Server", "find_servers"]


class Server(NamedTuple):
    """One Asterisk of a session.

    name: its `asterisk_id`; None if its events have none.
    parts: numbers of the session's files with rows of it.
    shared_parts: those of them that have events of other servers, too. There only events with this `asterisk_id`
        are its own.
    """

    name: str | None
    parts: Sequence[int]
    shared_parts: frozenset[int]


def find_servers(headers: Iterable[Header]) -> Sequence[Server]:
    """Return the servers of a session's files, at least one, in the order of their names.

    An event without an id in a file of one server is that server's. A file without events belongs to all servers.
    """
    names_of = [_names(header) for header in headers]
    names = sorted({name for of_part in names_of for name in of_part}, key=lambda name: (name is None, name)) or [None]
    return [
        Server(
            name,
            [number for number, of_part in enumerate(names_of) if name in of_part or not of_part],
            frozenset(number for number, of_part in enumerate(names_of) if name in of_part and len(of_part) > 1),
        )
        for name in names
    ]


def _names(header: Header) -> set[str | None]:
    names: set[str | None] = {name for name in header.asterisk_ids if name}
    if len(names) != 1 and header.asterisk_ids.get(""):
        names.add(None)
    return names
