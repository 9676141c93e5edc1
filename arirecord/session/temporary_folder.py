"""The folder that only this user can read, for temporary sessions, what DuckDB spills, and links to files with special
names.
"""

import atexit
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

from .object_store import ObjectPath

__all__ = ["new_path", "pattern_of", "plain_path", "temporary_folder"]

_SPECIAL = frozenset("*?[\\")
_numbers = count()


def new_path(name: str) -> Path:
    """Return a path in the folder of this process that does not exist yet."""
    return temporary_folder() / f"{next(_numbers)}-{name}"


def plain_path(path: Path) -> str:
    """Return an absolute path that DuckDB takes for this one file: it reads `call[1].parquet` as a pattern.

    A file with such a name, or one that is not UTF-8, is reached by a symbolic link. Escaping does not help: DuckDB
    also fails on other names in the same folder.
    """
    if isinstance(path, ObjectPath):
        return str(path)
    absolute = str(path.absolute())
    try:
        absolute.encode()
    except UnicodeEncodeError:
        is_plain = False
    else:
        is_plain = _SPECIAL.isdisjoint(absolute)
    return absolute if is_plain else _link_to(absolute)


def pattern_of(path: Path) -> str:
    """Return the pattern that DuckDB takes for this one file, for a script that outlives this process."""
    return re.sub(r"([*?[])", r"[\1]", str(path.absolute()))


@cache
def _link_to(absolute: str) -> str:
    link = new_path("session.parquet")
    link.symlink_to(absolute)
    return str(link)


@cache
def temporary_folder() -> Path:
    """Return the folder of this process, which it removes when it ends."""
    root = _root()
    with _locked(root):
        _remove_left_behind(root)
        folder = Path(tempfile.mkdtemp(dir=root))
        # Held until the process ends, however it ends: a folder without a lock was left behind.
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    atexit.register(_remove, folder, os.getpid())
    return folder


def _root() -> Path:
    """Return the user's folder in the system's temporary folder, or a new one if another user has that name."""
    root = Path(tempfile.gettempdir()) / f"arirecord-tables-{os.getuid()}"
    with suppress(FileExistsError):
        root.mkdir(0o700)
    status = root.lstat()
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return root if is_own else Path(tempfile.mkdtemp(prefix="arirecord-"))


@contextmanager
def _locked(folder: Path, flags: int = 0) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | flags)
        yield
    finally:
        os.close(opened)


def _remove_left_behind(root: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in root.iterdir():
        with suppress(OSError), _locked(folder, fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # not in a forked child
        shutil.rmtree(folder, ignore_errors=True)
