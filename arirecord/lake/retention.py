"""Keeping and forgetting: remove old parts of a lake or of a recording, and erase phone numbers from them."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.analytics.kept_tables import MANIFEST, tables_folder
from arirecord.errors import ArirecordError, NotASession
from arirecord.redact.erasure import Erasure, erase_from_part
from arirecord.redact.leak_check import LeakSearch
from arirecord.session.folder_files import is_lake, sessions_and_journals
from arirecord.session.header import Header
from arirecord.session.object_store import ObjectPath
from arirecord.session.output_file import give_name
from arirecord.session.parquet import parquet_file
from arirecord.session.part_index import forget_index
from arirecord.session.parts import Part, read_part
from arirecord.session.seal import Progress, no_progress, sync_folder

from .layout import LakePart, list_parts, table_names
from .staging import locked_server, staging_folder
from .stored_days import finish_replacements

__all__ = ["Erased", "OldPart", "erase", "find_old_parts", "remove_parts"]

_STAGING = ".staging"


class OldPart(NamedTuple):
    """A file to remove: a part, or a kept table of a day. `server` is of a lake; `table` None: events."""

    path: Path
    size: int
    table: str | None
    server: str | None


def find_old_parts(
    root: Path, before: datetime, miss: Callable[[str], None] = lambda sentence: None
) -> Sequence[OldPart]:
    """Return the parts, and in a lake the kept tables, that are older than `before`. Nothing is removed.

    In a lake a file is as old as the end of its day, elsewhere as its last row. A file that is not a session is never
    returned; `miss` is called with a sentence on it.

    Raises `FileNotFoundError` for a missing folder.
    """
    if is_lake(root):
        return [*_old_in_lake(root, before, miss)]
    sessions, _ = sessions_and_journals(root)
    if not root.exists():
        raise FileNotFoundError(f"{root} does not exist")
    return [OldPart(path, path.stat().st_size, None, None) for path in sessions if _is_older(path, before, miss)]


def remove_parts(parts: Iterable[OldPart], root: Path) -> None:
    """Remove files of `find_old_parts`, and folders of days that are empty then."""
    if is_lake(root):
        forget_index(root)
    for part in parts:
        with locked_server(root, part.server) if is_lake(root) else nullcontext():
            part.path.unlink(missing_ok=True)
            with suppress(OSError):
                if part.path.parent.name.startswith("date="):
                    part.path.parent.rmdir()


def _old_in_lake(root: Path, before: datetime, miss: Callable[[str], None]) -> Iterator[OldPart]:
    for table in (None, *table_names(root)):
        for part in list_parts(root, table):
            end = datetime(part.day.year, part.day.month, part.day.day, tzinfo=UTC).timestamp() + 86_400
            if end <= before.timestamp() and (table is not None or _header(part.path, miss) is not None):
                yield OldPart(part.path, part.path.stat().st_size, table, part.server)


def _is_older(path: Path, before: datetime, miss: Callable[[str], None]) -> bool:
    header = _header(path, miss)
    if header is None or header.last_at is None:
        return False
    last = datetime.fromisoformat(header.last_at)
    return (last if last.tzinfo else last.replace(tzinfo=UTC)) < before


def _header(path: Path, miss: Callable[[str], None]) -> Header | None:
    """Return the header of a session; None for a link and for any other file, which is reported."""
    if path.is_symlink():
        return None
    try:
        return read_part(path).header
    except ArirecordError as error:
        miss(f"{path} stays: {error}")
        return None


@dataclass
class Erased:
    """The result of `erase`: parts that were searched and those that were rewritten, rows that changed, kept tables
    that were removed, and sentences on what could not be searched.
    """

    searched_count: int = 0
    parts: list[Path] = field(default_factory=list)
    rows: int = 0
    table_count: int = 0
    problems: list[str] = field(default_factory=list)


def erase(
    path: Path,
    erasure: Erasure,
    *,
    is_dry: bool = False,
    progress: Progress = no_progress,
    report: Callable[[str], None] = lambda sentence: None,
) -> Erased:
    """Erase phone numbers from a lake, a recording in parts, or a session.

    Each part is replaced in one step by one without the numbers: after an error, or a kill, each part is there, and
    the same call does the rest. Kept tables that hold a number, and those of rewritten days, are removed first. A part
    that cannot be read, and a journal that is not sealed, is named and left as it is.

    is_dry: count only.
    report: called with each sentence on what is left.

    Raises `FileNotFoundError`, `OSError`, `LeakError` as `erase_from_part` does.
    """
    done = Erased()

    def miss(sentence: str) -> None:
        done.problems.append(sentence)
        report(sentence)

    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    files, journals = sessions_and_journals(path)
    for journal in journals:
        miss(f"{journal} is not sealed and was not searched: run `arirecord recover`, or wait for its recording")
    if not is_dry and isinstance(path, ObjectPath):
        finish_replacements(path)
    if not is_dry:
        done.table_count += _remove_tables(path, erasure.search())
    servers = {part.path: part for part in list_parts(path)} if is_lake(path) else {}
    with _staging(path) as staging:
        for file in files:
            try:
                _erase_file(read_part(file), servers.get(file), erasure, path, staging, done, is_dry, progress)
            except NotASession as error:
                miss(f"{file} was not searched: {error}")
    return done


def _erase_file(
    part: Part,
    place: LakePart | None,
    erasure: Erasure,
    root: Path,
    staging: Path,
    done: Erased,
    is_dry: bool,
    progress: Progress,
) -> None:
    temporary = staging / "erased.parquet"
    count = erase_from_part(part, erasure, temporary, progress)
    done.searched_count += 1
    if not count:
        return
    done.rows += count
    done.parts.append(part.path)
    if is_dry:
        temporary.unlink()
        return
    if not isinstance(part.path, ObjectPath):
        shutil.copystat(part.path, temporary)  # its age counts for what removes old files
    with locked_server(root, place.server) if place is not None else nullcontext():
        if place is not None:
            _forget_tables(root)
            for table in table_names(root):
                days = list_parts(root, table, servers=[place.server], first_day=place.day, last_day=place.day)
                for each in days:
                    each.path.unlink(missing_ok=True)
                    done.table_count += 1
        if not part.path.exists():
            raise NotASession(f"{part.path} was replaced meanwhile: run the same command again")
        give_name(temporary, part.path, force=True)
        sync_folder(part.path.parent)


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """Yield a folder for unfinished files on the disk of a recording; only a lake keeps it."""
    top = path if path.is_dir() else path.parent
    with staging_folder(top) as folder:
        yield folder
    if not is_lake(top):
        with suppress(OSError):
            (top / _STAGING).rmdir()


def _remove_tables(path: Path, search: LeakSearch) -> int:
    """Remove the kept tables that hold a number; return how many files."""
    files = [
        file
        for file in sorted(tables_folder(path).rglob("*.parquet"))
        if any(search.finds(text) for text in _texts(file))
    ]
    if files:
        _forget_tables(path)
    for file in files:
        file.unlink()
    return len(files)


def _forget_tables(path: Path) -> None:
    """Let readers read parts and compute tables, before kept ones are removed."""
    if is_lake(path):
        forget_index(path)
    (tables_folder(path) / MANIFEST).unlink(missing_ok=True)


def _texts(file: Path) -> Iterator[str]:
    """Yield each text of a table once for each column and row group."""
    with parquet_file(file) as table:
        for group in range(table.num_row_groups):
            for column in table.read_row_group(group).columns:
                values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
                if pa.types.is_string(values.type):
                    yield from pc.unique(values).drop_null().to_pylist()
