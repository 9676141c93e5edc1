"""The files of a folder: sessions and journals, and what is only named as one."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["LAKE_EVENTS", "LAKE_MARKER", "is_lake", "session_files", "sessions_and_journals", "true_files"]

LAKE_MARKER = "arirecord-lake.json"
"""The file that makes a folder a lake."""
LAKE_EVENTS = "events"
"""The folder of a lake that holds the sessions. Other folders hold tables computed from them."""

_log = logging.getLogger(__name__)


def is_lake(folder: Path) -> bool:
    """Return whether a folder is a lake: sessions of many servers and days."""
    return (folder / LAKE_MARKER).is_file()


def session_files(folder: Path) -> Sequence[Path]:
    """Return the `.parquet` files in a folder at any depth, in the order of their names, without hidden ones.

    Of a lake these are the sessions, without tables computed from them.
    """
    folder = folder / LAKE_EVENTS if is_lake(folder) else folder
    return list(true_files(sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith("."))))


def sessions_and_journals(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the sessions of a file or a folder, and the journals that have no session yet."""
    if not path.is_dir():
        journal = path.with_name(f"{path.name}.journal")
        return ([path], []) if path.exists() else ([], [journal] if journal.is_file() else [])
    journals = list(true_files(sorted(path.rglob("*.parquet.journal"))))  # first: they may be sealed meanwhile
    sessions = list(session_files(path))
    found = set(sessions)
    return sessions, [journal for journal in journals if journal.with_suffix("") not in found]


def true_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths that are files. Pipes, sockets, devices, which may never end, and broken links are logged."""
    for path in paths:
        if path.is_file():
            yield path
        elif not path.is_dir():
            _log.warning("%r is not a file: passed over", str(path))
