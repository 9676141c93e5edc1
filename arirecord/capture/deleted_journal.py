"""A journal that is deleted or renamed while it is written: what the open file holds is kept."""

import fcntl
import os
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

from arirecord.session.journal import JournalWriter, journal_path

__all__ = ["is_cut", "rescue"]

_CHUNK = 1 << 20


def is_cut(journal: JournalWriter) -> bool:
    """Whether another program has shortened the file: what was in it is lost."""
    return os.fstat(journal.fileno()).st_size < journal.size


def rescue(journal: JournalWriter) -> str | None:
    """Give a journal its name back if it has lost it. Return a message about it, None if it has its name.

    A renamed file gets a second name; a deleted one is copied. If its name is taken, it gets a free one. If its folder
    was moved, it stays there. Raises `OSError` if nothing helps.
    """
    status = os.fstat(journal.fileno())
    with suppress(FileNotFoundError):
        if os.path.samestat(status, journal.path.stat()):
            return None
    before, opened = journal.path, Path(f"/proc/self/fd/{journal.fileno()}")
    if status.st_nlink and not before.parent.exists():
        moved = opened.readlink()
        if moved.suffix == ".journal":
            journal.go_on(moved)
            return f"{before} was moved to {moved}: the recording goes on there."
    path = _free(before)
    if status.st_nlink and before.parent.exists():
        _link(opened, path)
        journal.go_on(path)
        return f"{before} was renamed to {opened.readlink()}: the recording goes on in {path}, the same file."
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal.go_on(path, _copy(opened, path))
    return f"{before} was deleted: the recorder still had it open, and the recording goes on in a copy, {path}."


def _link(opened: Path, path: Path) -> None:
    folder = os.open(opened.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(opened.name, path, src_dir_fd=folder)  # only with a folder does Python follow the link to the file
    finally:
        os.close(folder)


def _free(path: Path) -> Path:
    """Return the path, or one beside it if another file has that name."""
    part = path.with_suffix("")
    others = (journal_path(part.with_stem(f"{part.stem}-{number}")) for number in count(1))
    return next(each for each in chain([path], others) if not os.path.lexists(each))


def _copy(opened: Path, path: Path) -> int:
    """Copy an open file that has no name any more; return the copy, locked and open for appending."""
    copy = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(copy, fcntl.LOCK_EX)
        with opened.open("rb") as source:
            while data := source.read(_CHUNK):
                while data:
                    data = data[os.write(copy, data) :]
        os.fsync(copy)
    except OSError:
        os.close(copy)
        path.unlink()
        raise
    return copy
