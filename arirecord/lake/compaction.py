"""Compaction: the many small parts of a day become one to three, in one step for every reader."""

import ctypes
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pyarrow as pa

from arirecord.errors import ArirecordError, NotASession
from arirecord.session.bulk_mode import undisturbed
from arirecord.session.digest import PROVED, RowDigest
from arirecord.session.header import SEQ_RANGE, Drift, Header
from arirecord.session.object_store import ObjectPath
from arirecord.session.part_index import write_index
from arirecord.session.parts import Part, in_order_of_time, read_part
from arirecord.session.reader import open_session
from arirecord.session.recorded_time import Extent, continues
from arirecord.session.seal import Progress, ahead, no_progress, read_back, sync_folder
from arirecord.session.stored_rows import opened, stored_batches

from .layout import LakePart, check_lake, events_folder, list_parts
from .part_files import CONTENTS, contents_of, lake_schema, with_all_columns, write_tables
from .staging import locked_server, staging_folder
from .stored_days import finish_replacements, replace_stored

__all__ = ["CompactedLake", "compact_lake"]

_BATCH = 8192
_BORDER = timedelta(hours=1)
"""Parts of the first and the last hour of a day stay apart from the others: a question about a day needs those of its
neighbours, for calls that cross midnight.
"""
_CHANGED = "{} was changed meanwhile: run the same command again"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@dataclass
class CompactedLake:
    """The result of `compact_lake`: the days that were compacted, the files before and after, and what was left."""

    day_count: int = 0
    files_before: int = 0
    files_after: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, before: int, after: int) -> None:
        """Count a day."""
        self.day_count += 1
        self.files_before += before
        self.files_after += after


def compact_lake(
    root: Path, before: date, *, progress: Progress = no_progress, report: Callable[[str], None] = lambda sentence: None
) -> CompactedLake:
    """Merge the parts of each day earlier than `before`, of each server.

    Parts that follow each other in one recording become one; those of the first and the last hour stay apart. All rows
    are read back and compared. A new folder then takes the place of the day's folder in one step: each reader lists
    all old files or all new ones, and after a kill either the old or the new ones are there. A part that cannot be read
    is kept as it is, and reported.

    Raises `NotASession` if `root` is not a lake, `OSError` if the disk fails, and `ArirecordError` if the file system
    cannot exchange two folders, or rows read back differ.
    """
    check_lake(root)
    done = CompactedLake()

    def miss(sentence: str) -> None:
        done.problems.append(sentence)
        report(sentence)

    if isinstance(root, ObjectPath):
        finish_replacements(root)
    with staging_folder(root) as staging, undisturbed():
        by_day = groupby(list_parts(root, last_day=before - timedelta(days=1)), key=attrgetter("server", "day"))
        for (server, day), parts in by_day:
            _compact_day(root, server, day, list(parts), staging, done, miss, progress)
        if list_parts(root):
            session = open_session(root)
            write_index(root, session.parts, session.opened_ns)
    return done


def _compact_day(
    root: Path,
    server: str | None,
    day: date,
    files: Sequence[LakePart],
    staging: Path,
    done: CompactedLake,
    miss: Callable[[str], None],
    progress: Progress,
) -> None:
    groups = [group for group in _groups(_readable(files, miss), day) if len(group) > 1]
    if not groups:
        return
    folder, new_folder = events_folder(root, server, day), staging / "day"
    new_folder.mkdir()
    try:
        for group in groups:
            _merge(group, new_folder, server, progress)
        if isinstance(folder, ObjectPath):
            old_parts = [part.path for group in groups for part in group]
            if not replace_stored(folder, old_parts, sorted(new_folder.iterdir())):
                miss(_CHANGED.format(folder))
                return
            done.add(len(files), len(files) - len(old_parts) + len(groups))
            return
        merged = {part.path.name: part.path.stat().st_ino for group in groups for part in group}
        with locked_server(root, server):
            old = {path.name: path for path in folder.iterdir()}
            if any(name not in old or old[name].stat().st_ino != number for name, number in merged.items()):
                miss(_CHANGED.format(folder))
                return
            for name in old.keys() - merged.keys():  # not merged, or put in since
                os.link(old[name], new_folder / name)
            shutil.copymode(folder, new_folder)
            sync_folder(new_folder)
            _exchange(new_folder, folder)
            sync_folder(folder.parent)
        done.add(len(old), len(old) - len(merged) + len(groups))
    finally:
        shutil.rmtree(new_folder)


def _readable(files: Iterable[LakePart], miss: Callable[[str], None]) -> Iterator[Part]:
    for file in files:
        try:
            yield read_part(file.path)
        except NotASession as error:
            miss(f"{file.path} is kept as it is: {error}")


def _groups(parts: Iterable[Part], day: date) -> Iterator[list[Part]]:
    """Yield parts that are to be one, in order."""
    group: list[Part] = []
    for part in in_order_of_time(parts):
        if group and not _belongs(group[-1], part, day):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _belongs(before: Part, after: Part, day: date) -> bool:
    if before.extent is None or after.extent is None or not continues(before.extent, after.extent):
        return False
    is_ours = all(contents_of(part.header) and set(part.schema.names) <= set(lake_schema().names)
                  for part in (before, after))  # fmt: skip
    return is_ours and _third(before.extent, day) == _third(after.extent, day)


def _third(extent: Extent, day: date) -> int:
    """Return 0 for a part within the first hour of a day, 2 for one within the last hour, otherwise 1."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if extent.end_ns <= _ns(midnight + _BORDER):
        return 0
    return 2 if extent.begin_ns >= _ns(midnight + timedelta(days=1) - _BORDER) else 1


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def _merge(parts: Sequence[Part], folder: Path, server: str | None, progress: Progress) -> None:
    """Write parts as one, and compare the rows read back."""
    contents = [content for part in parts for content in contents_of(part.header)]
    begin, end = (part.path.name.split("-")[place] for place, part in ((0, parts[0]), (1, parts[-1])))
    path = folder / f"{begin}-{end}-merged-{hashlib.sha256(' '.join(contents).encode()).hexdigest()[:32]}.parquet"
    expected = RowDigest()
    header = _header(parts, contents)
    write_tables(ahead(_tables(parts, expected)), path, header, server, Drift(), progress)
    if read_back(path, progress) != expected:
        raise ArirecordError(f"{parts[0].path.parent} can't be compacted: what was read back is not what was written")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _tables(parts: Iterable[Part], expected: RowDigest) -> Iterator[pa.Table]:
    for part in parts:
        with opened(part.path) as file:
            for batch in stored_batches(file, _BATCH, part.schema.names):
                expected.add(batch.select(PROVED))
                yield with_all_columns(batch)


def _header(parts: Sequence[Part], contents: list[str]) -> Header:
    """Return the header of merged parts, without the counts of their rows."""
    first, last = parts[0].header, parts[-1].header
    drift, problem_count = Drift(), 0
    header = replace(first, ended=last.ended, problems=[], data_sha256=None, other={**first.other, CONTENTS: contents})
    for part in parts:
        for difference, places in part.header.drift.items():
            for where, count in places.items():
                drift.add([(difference, where)] * count)
        header.problems = [*header.problems, *part.header.problems][:100]
        problem_count += part.header.problem_count
    header.problem_count = problem_count
    header.drift = {difference: dict(places) for difference, places in drift.counts.items()}
    if first.seq_range and last.seq_range:
        header.other[SEQ_RANGE] = [first.seq_range[0], last.seq_range[1]]
    return header


def _exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders in one step."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = [os.fsencode(path.absolute()) for path in (one, other)]
    if renameat2 is None or renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        why = os.strerror(ctypes.get_errno()) if renameat2 is not None else "the system has no renameat2"
        raise ArirecordError(f"{other} can't be compacted: its file system can't exchange two folders ({why})")
