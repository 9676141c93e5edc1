"""Which sessions a path holds: a recording in parts is one, a folder of recordings is a suite of them."""

from collections.abc import Iterator
from pathlib import Path

from arirecord.session.reader import open_session

__all__ = ["sessions_in"]


def sessions_in(path: Path) -> list[Path]:
    """The sessions of a file or a folder, in the order of their names.

    A folder whose files go on where others end, all counted from one time, is a recording in parts, and one session.
    Raises `NotASession` and `FileNotFoundError` as `open_session` does.
    """
    if not path.is_dir():
        open_session(path)
        return [path]
    return list(_within(path)) or [open_session(path).path]


def _within(folder: Path) -> Iterator[Path]:
    files = sorted(p for p in folder.rglob("*.parquet") if not p.name.startswith("."))
    headers = {path: open_session(path).header for path in files}
    starts = {header.started_ns for header in headers.values()}
    if len(files) > 1 and len(starts) == 1 and len({h.first_elapsed_ns for h in headers.values()}) == len(files):
        yield folder
        return
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            yield from _within(entry)
        elif entry in headers:
            yield entry
