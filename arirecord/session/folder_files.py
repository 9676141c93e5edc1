"""The files of a folder: sessions and journals, and what is only named as one."""

import glob
import json
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .object_store import ObjectPath, location

__all__ = [
    "LAKE_EVENTS",
    "LAKE_MARKER",
    "REPLACED",
    "ReadableFiles",
    "common_folder",
    "files_of_day",
    "is_lake",
    "is_part_of_lake",
    "matching_paths",
    "readable_files",
    "replaced_files",
    "session_files",
    "sessions_and_journals",
    "stored_files",
    "true_files",
    "without_copies",
]

LAKE_MARKER = "arirecord-lake.json"
"""The file that makes a folder a lake."""
LAKE_EVENTS = "events"
"""The folder of a lake that holds the sessions. Other folders hold tables computed from them."""

REPLACED = "_replaced.json"
"""In a store, a day is not replaced in one step: this object has the `old` and `new` names of its files meanwhile."""

_log = logging.getLogger(__name__)


def is_lake(folder: Path) -> bool:
    """Return whether a folder is a lake: sessions of many servers and days."""
    return _is_stored_lake(folder) if isinstance(folder, ObjectPath) else (folder / LAKE_MARKER).is_file()


_stored_lakes: set[ObjectPath] = set()


def is_part_of_lake(path: Path) -> bool:
    """Return whether a file is in the folder of a server and a day of a lake."""
    return len(path.parents) > 3 and is_lake(path.parents[3])


def _is_stored_lake(folder: ObjectPath) -> bool:
    """Return whether a prefix is a lake. A store is asked once, since a lake stays one."""
    if folder not in _stored_lakes and (folder / LAKE_MARKER).is_file():
        _stored_lakes.add(folder)
    return folder in _stored_lakes


def matching_paths(paths: Iterable[str | Path]) -> list[Path]:
    """Return paths, with the matches in order in place of a pattern (`days/*.parquet`, `**/*.parquet`).

    A path that exists is not a pattern, whatever its name.

    Raises `FileNotFoundError` for a pattern without a match.
    """
    matches: list[Path] = []
    for path in map(location, paths):
        is_stored = isinstance(path, ObjectPath)
        if not glob.has_magic(str(path)) or (path.exists() if is_stored else os.path.lexists(path)):
            matches.append(path)
            continue
        found_paths = path.matches() if isinstance(path, ObjectPath) else _local_matches(path)
        before = len(matches)
        matches += found_paths
        if len(matches) == before:
            raise FileNotFoundError(f"no file matches {path}")
    return matches


def _local_matches(path: Path) -> list[Path]:
    # `Path.glob` takes a pattern below a folder only.
    names = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - see above
    return [Path(name) for name in names if not name.endswith(".journal")]


def without_copies(paths: Iterable[Path]) -> list[Path]:
    """Return paths in their order, each file once."""
    return list({path.resolve(): path for path in paths}.values())


def common_folder(paths: Sequence[Path]) -> Path:
    """Return the folder in which all paths are."""
    try:
        return location(Path(os.path.commonpath([path.absolute().parent for path in paths])))
    except ValueError:  # on this machine and in a store
        return paths[0].parent


def session_files(folder: Path) -> Sequence[Path]:
    """Return the `.parquet` files in a folder at any depth, in the order of their names, without hidden ones
    and those in hidden folders.

    Of a lake these are the sessions, without tables computed from them.
    """
    if isinstance(folder, ObjectPath):
        return list(stored_files(folder / LAKE_EVENTS if is_lake(folder) else folder))
    if is_lake(folder):
        days = sorted(path for path in (folder / LAKE_EVENTS).glob("*/*") if path.is_dir())
        return [path for day in days for path in files_of_day(day)]
    return list(true_files(sorted(path for path in folder.rglob("*.parquet") if not _is_hidden(path, folder))))


def stored_files(folder: ObjectPath) -> list[ObjectPath]:
    """Return the `.parquet` objects with a prefix at any depth, without hidden ones, in the order of their keys.

    Of a day that is compacted meanwhile, these are the old ones until all new ones are there: see `REPLACED`.
    """
    listed = [path for path in folder.rglob("*") if not _is_hidden(path, folder)]
    gone = {path for note in listed if note.name == REPLACED for path in replaced_files(note, listed)}
    return [path for path in listed if path.suffix == ".parquet" and path not in gone]


def replaced_files(note: ObjectPath, listed: Collection[ObjectPath]) -> list[ObjectPath]:
    """Return the objects that others have replaced, by the note beside them; none if it is gone."""
    try:
        names: dict[str, list[str]] = json.loads(note.read_bytes())
    except FileNotFoundError:
        return []
    is_there = all(note.with_name(name) in listed for name in names["new"])
    return [note.with_name(name) for name in names["old"]] if is_there else []


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(name.startswith(".") for name in path.relative_to(folder).parts)


def files_of_day(folder: Path) -> list[Path]:
    """Return the sessions in the folder of a lake's day, all as they are at one time; none if it is missing.

    `arirecord compact` puts a new folder in its place, and then removes the files of the old one.
    """
    while True:
        try:
            before = folder.stat().st_ino
            files = sorted(folder.iterdir())
            if folder.stat().st_ino == before:
                return [path for path in files if path.suffix == ".parquet" and not path.name.startswith(".")]
        except FileNotFoundError:
            return []


def sessions_and_journals(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the sessions of a file or a folder, and the journals that have no session yet."""
    if isinstance(path, ObjectPath):
        is_named_so = path.suffix == ".parquet"
        files = [] if is_named_so else list(session_files(path))
        return files or ([path] if is_named_so or path.is_file() else []), []
    if not path.is_dir():
        journal = path.with_name(f"{path.name}.journal")
        journals = [journal] if journal.is_file() else []  # first, since it may be sealed meanwhile
        return ([path], []) if path.exists() else ([], journals)
    # First, for the same reason. Folders of a lake come and go: `os.walk` passes over those.
    walk = os.walk(path / LAKE_EVENTS if is_lake(path) else path)
    names = [Path(folder, name) for folder, _, files in walk for name in files if name.endswith(".parquet.journal")]
    journals = list(true_files(sorted(names)))
    sessions = list(session_files(path))
    sealed = set(sessions)
    return sessions, [journal for journal in journals if journal.with_suffix("") not in sealed]


class ReadableFiles(NamedTuple):
    """The sessions that a path stands for. Those of a recording that is running are temporary files.

    remark: a sentence on journals that are not read, or are read up to now; empty without such journals.
    """

    sessions: Sequence[Path]
    remark: str = ""
    is_running: bool = False


def readable_files(path: Path) -> ReadableFiles:
    """Return the sessions of a file or a folder. A running recording is read up to now.

    Raises `NotASession` or `FileNotFoundError` without any.
    """
    sessions, journals = sessions_and_journals(path)
    files = _with_journals(path, journals) if journals else ReadableFiles(sessions)
    if not files.sessions:
        from .unreadable import missing_session, no_sessions_in

        raise no_sessions_in(path) if path.is_dir() else missing_session(path)
    return files


def _with_journals(path: Path, before: Sequence[Path]) -> ReadableFiles:
    from .unsealed import is_any_running, read_up_to_now

    is_running = is_any_running(before)
    sessions, journals = sessions_and_journals(path)  # the part that was written may have ended since
    if is_running or journals != before or is_any_running(journals):
        remark = f"A recording to {path} is running: it is read up to now."
        return ReadableFiles(sessions + read_up_to_now(journals), remark, is_running=True)
    remark = f"{len(journals)} journals in {path} are not sealed and not read: run `arirecord recover {path}`."
    return ReadableFiles(sessions, remark if path.is_dir() else "")


def true_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths that are files. Pipes, sockets, devices, which may never end, and broken links are logged."""
    for path in paths:
        if path.is_file():
            yield path
        elif not path.is_dir():
            _log.warning("%r is not a file: passed over", str(path))
