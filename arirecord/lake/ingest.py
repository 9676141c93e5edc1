"""Ingest: put sessions into a lake, each row once."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from arirecord.errors import ArirecordError, NotASession, StorageError
from arirecord.session.bulk_mode import undisturbed
from arirecord.session.column_check import TEMPLATE
from arirecord.session.columnar.table import parse_batch
from arirecord.session.digest import PROVED
from arirecord.session.folder_files import sessions_and_journals
from arirecord.session.header import FORMAT, SEQ_RANGE, Drift, Header
from arirecord.session.output_file import give_name
from arirecord.session.parts import Part, read_part
from arirecord.session.reader import open_session
from arirecord.session.seal import Progress, ahead, no_progress, read_back, sync_folder
from arirecord.session.stored_rows import opened

from .layout import events_folder, make_lake
from .part_files import CONTENTS, contents_of, lake_schema, with_all_columns, write_tables
from .slices import Slice, find_slices, slice_batches, slice_digest
from .staging import locked_server, staging_folder

__all__ = ["Ingested", "ingest", "known_contents", "part_name"]

_NAME = re.compile(r"\d{6}-\d{6}-([0-9a-f]{32})\.parquet")


@dataclass
class Ingested:
    """The result of `ingest`: the parts that were added, how many were there before, and sentences on what is missing.

    rows: of the parts that were added.
    """

    added: list[Path] = field(default_factory=list)
    rows: int = 0
    known_count: int = 0
    problems: list[str] = field(default_factory=list)


def ingest(
    paths: Iterable[Path], root: Path, *, progress: Progress = no_progress, report: Callable[[str], None] | None = None
) -> Ingested:
    """Put the rows of sessions into the lake `root`, which is made if it is missing.

    paths: files, folders and lakes. Each file is cut by server and day. Content that the lake has is passed over, so
        that a second call with the same sessions changes nothing; calls at the same time do not disturb each other.
        A file that cannot be read is left out and named; the others are put in.
    progress: called with the step and the rows done of the current part.
    report: called with each sentence on what is missing, when it is known.

    A reader sees a part completely or not at all. After an error, or a kill, the same call does the rest.

    Raises `FileNotFoundError` and `NotASession` for a path without sessions, `TargetExists` for a folder that cannot
    be a lake, `OSError` if the disk or the store fails.
    """
    done = Ingested()

    def miss(sentence: str) -> None:
        done.problems.append(sentence)
        if report is not None:
            report(sentence)

    files = list(_files(paths, miss))
    make_lake(root)
    with staging_folder(root) as staging, undisturbed():
        for path in files:
            try:
                _ingest_file(open_session(path).parts[0], root, staging, done, progress)
            except StorageError:
                raise
            except ArirecordError as error:
                miss(f"{path} is not in the lake: {error}")
    return done


def part_name(header: Header, content: str) -> str:
    """Return the name of a part with this content: the times of its first and last row in UTC, and the digest."""
    times = (datetime.fromisoformat(at or "1970-01-01T00:00:00Z") for at in (header.first_at, header.last_at))
    begin, end = (f"{at.astimezone(UTC):%H%M%S}" for at in times)
    return f"{begin}-{end}-{content[:32]}.parquet"


def known_contents(folder: Path) -> Iterator[str]:
    """Yield the beginnings of the digests of the content of the parts in a day's folder."""
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if (name := _NAME.fullmatch(path.name)) is not None:
                yield name[1]
            elif path.suffix == ".parquet":
                with suppress(NotASession, FileNotFoundError):
                    yield from (digest[:32] for digest in contents_of(open_session(path).header))


def _files(paths: Iterable[Path], miss: Callable[[str], None]) -> Iterator[Path]:
    for path in paths:
        sessions, journals = sessions_and_journals(path)
        if not sessions:
            open_session(path)  # raises the error for it
        if journals:
            miss(
                f"{len(journals)} journals in {path} are not sealed and not in the lake: "
                f"run `arirecord recover {path}` unless they are being recorded."
            )
        yield from sessions


def _ingest_file(part: Part, root: Path, staging: Path, done: Ingested, progress: Progress) -> None:
    """Put the rows of one file into the lake."""
    # All digests first: a file that is damaged is then left out as a whole.
    for rows, digest, content in [(rows, *slice_digest(part, rows)) for rows in find_slices(part)]:
        if not digest.rows:
            continue
        contents = (contents_of(part.header) if rows.is_whole else []) or [content]
        folder = events_folder(root, rows.server, rows.day)
        if not _is_new(contents, folder, part):
            done.known_count += 1
            continue
        temporary = staging / "part.parquet"
        _write(part, rows, temporary, contents, progress)
        if read_back(temporary, progress) != digest:
            raise ArirecordError(f"{part.path} could not be copied: what was read back is not what was written")
        target = folder / part_name(read_part(temporary).header, content)
        with locked_server(root, rows.server):
            is_new = _is_new(contents, folder, part)  # another process may have put it in
            if is_new:
                folder.mkdir(mode=0o700, exist_ok=True)
                give_name(temporary, target, force=True)
                sync_folder(folder)
        if is_new:
            done.added.append(target)
            done.rows += digest.rows
        else:
            done.known_count += 1


def _is_new(contents: Sequence[str], folder: Path, part: Part) -> bool:
    """Return whether a day's folder lacks the content. Raises `ArirecordError` if it has a part of it."""
    known = set(known_contents(folder))
    known_count = sum(digest[:32] in known for digest in contents)
    if 0 < known_count < len(contents):
        raise ArirecordError(
            f"{part.path} was merged of {len(contents)} parts, of which the lake has {known_count}: ingest the parts"
        )
    return known_count == 0


def _write(part: Part, rows: Slice, path: Path, contents: list[str], progress: Progress) -> None:
    """Write a slice as a part of a lake."""
    is_last = rows.end_row >= part.header.rows
    header = replace(
        part.header,
        format=FORMAT,
        data_sha256=None,
        ended=part.header.ended if is_last else "complete",
        other={**part.header.other, CONTENTS: contents},
    )
    if rows.first_row:
        header.problems, header.problem_count = [], 0
    if rows.is_shared:
        header.other[SEQ_RANGE] = list(rows.seq_range)
    columns = [name for name in part.schema.names if name != TEMPLATE]
    # Rows that can't be copied are parsed again. In a part of a file, this also finds the drift that is theirs.
    is_copied = rows.is_whole and set(columns) <= set(lake_schema().names)
    drift = Drift()
    if not is_copied:
        header.drift = {}
    with opened(part.path) as file:
        batches = slice_batches(file, rows, columns if is_copied else PROVED)
        schema = lake_schema()
        tables = (with_all_columns(batch) if is_copied else parse_batch(batch, schema, drift) for batch in batches)
        write_tables(ahead(tables), path, header, rows.server, drift, progress)
