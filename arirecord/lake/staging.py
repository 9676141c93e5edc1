"""Writing to a lake: unfinished files, which no reader sees, and one writer at a time for each server."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from arirecord.session.folder_files import LAKE_EVENTS
from arirecord.session.object_store import ObjectPath
from arirecord.session.temporary_folder import new_path

from .layout import server_folder

__all__ = ["locked_server", "staging_folder"]

_STAGING = ".staging"


@contextmanager
def staging_folder(root: Path) -> Iterator[Path]:
    """Yield an empty folder on the disk of a lake; remove it afterwards, and those that killed processes have left.

    A file gets its place in the lake by a link or a rename, which is one step. Files for a store are on this machine.
    """
    if isinstance(root, ObjectPath):
        folder = new_path("staging")
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    parent = root / _STAGING
    parent.mkdir(mode=0o700, exist_ok=True)
    with _locked_new_folder(parent) as folder:
        for left in parent.iterdir():
            with suppress(OSError), _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(left)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked_server(root: Path, server: str | None) -> Iterator[None]:
    """Hold the lock under which files of one server are added, replaced and removed. Readers need no lock.

    A store has no locks: a part is added in one step, under a name that follows from its content.
    """
    if isinstance(root, ObjectPath):
        yield
        return
    folder = root / LAKE_EVENTS / server_folder(server)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked_new_folder(parent: Path) -> Iterator[Path]:
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent))
        with suppress(FileNotFoundError), _locked(folder, fcntl.LOCK_EX):
            if folder.exists():  # otherwise another process took it for one that was left
                yield folder
                return


@contextmanager
def _locked(folder: Path, operation: int) -> Iterator[None]:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, operation)
        yield
    finally:
        os.close(lock)
