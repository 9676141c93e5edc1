"""Sealing: a journal becomes a session, and is removed only when the session was read back and found equal."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.errors import JournalError, TargetExists
from arirecord.session.columnar.table import UnforeseenColumns, own_columns, rows_to_table, session_schema

from .bulk_mode import undisturbed
from .digest import PROVED, RowDigest
from .header import KEY, Drift, Header
from .header_stats import HeaderStats
from .journal import JournalReader, is_locked
from .output_file import check_output, followed, give_name
from .parquet import GroupWriter, session_writer
from .row_groups import grouped_batches
from .rows import Row, Rows

__all__ = ["Progress", "RowSource", "ahead", "make_session", "no_progress", "recover", "seal"]

_SLICE = 40_960

"""Rows turned into columns at once: a row group's worth of Python objects would cost a gigabyte."""

_NAME = re.compile(rb'"type":"([^"\\]*)')

_QUOTED = b'"frame":"'

_QUOTED_NAME = re.compile(rb'\\"type\\": ?\\"([^"\\]*)')

_KIND = re.compile(rb'"kind":"([^"\\]*)')

"""Names of event types and kinds in a journal, as far as is worth looking."""

Progress = Callable[[str, int], None]

"""Called with what is being done (`reading`, `writing`, `comparing`) and the rows done so far, while reading about."""


class RowSource(Protocol):
    """Rows that can be read as often as wanted; see `JournalReader`."""

    @property
    def ended(self) -> str:
        """How it ended: `complete`, `torn` or `damaged: …`."""

    @property
    def unused_bytes(self) -> int:
        """So much text of a last line that is not whole."""

    def texts(self) -> Iterator[bytes]:
        """The lines in which event types are named, as text, in pieces that end with a line."""

    def batches(self, size: int) -> Iterator[Rows]:
        """All rows, up to `size` at a time."""


def no_progress(what: str, rows: int) -> None:
    """Tell nobody."""


def recover(
    journal: Path, target: Path | None = None, *, force: bool = False, progress: Progress = no_progress
) -> Header:
    """Seal a journal that was left behind.

    Raises `JournalError` if somebody is writing it or it is no journal, `TargetExists` as `seal` does.
    """
    if is_locked(journal):
        raise JournalError(f"{journal} is being written; end that recording instead")
    if target is None:
        if journal.suffix != ".journal":
            raise JournalError(f"{journal} does not end in .journal: say where the session goes with -o")
        target = journal.with_suffix("")
    return seal(journal, target, force=force, progress=progress)


def seal(
    journal: Path,
    target: Path,
    *,
    header: Header | None = None,
    force: bool = False,
    progress: Progress = no_progress,
) -> Header:
    """Make `journal` the session `target`; remove it once every row was read back and compared. Returns the session's
    header.

    `header` brings what only the recorder knows (`problems`, `ended`). A torn journal is sealed up to its last whole
    line, a damaged one up to the damage; the damaged one is kept, renamed to end in `.damaged`. Memory is bounded.

    Raises `TargetExists` if `target` exists and not `force`, `JournalError` if the session differs from the journal,
    `OSError` where the disk fails. The journal stays in every such case.
    """
    try:
        check_output(target, inputs=[journal], force=force)
        reader = JournalReader(journal)
        header = header or Header(reader.head["started_ns"], reader.head["source"])
        make_session(reader, target, header, force=force, progress=progress)
    except TargetExists as error:
        raise TargetExists(f"{error}. The recording is safe in {journal}") from None
    except JournalError as error:
        raise JournalError(f"{error}; the journal {journal} is kept") from error
    if reader.ended.startswith("damaged"):
        journal.rename(journal.with_name(journal.name + ".damaged"))
    else:
        journal.unlink()
    return header


def make_session(
    source: RowSource, target: Path, header: Header, *, force: bool = False, progress: Progress = no_progress
) -> None:
    """Make what is in `source` the session `target` once every row was read back and compared; `header` gets its
    counts. Memory is bounded.

    Raises `TargetExists` if `target` exists and not `force`, `JournalError` if the session differs from its source,
    `OSError` where the disk fails, and what reading the source raises. No file is left behind then.
    """
    target = followed(target)
    with undisturbed():
        names = _names(source, progress)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.sealing-", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            while True:
                try:
                    received = _write(source, temporary, session_schema(names), header, progress)
                    break
                except UnforeseenColumns as unforeseen:
                    names |= unforeseen.names
            _compare(source, temporary, received, progress)
            give_name(temporary, target, force=force)
            _sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _names(source: RowSource, progress: Progress) -> set[str]:
    """Event types and kinds that may occur: found by their looks, so a few too many; too few is put right while
    writing.
    """
    names: set[bytes] = set()
    count = 0
    for text in ahead(source.texts()):
        head = text[: text.find(b"\n")]
        # Only journals have lines of other kinds, and records of other programs are quoted all or none.
        is_journal, is_quoted = b'"elapsed_ns":' in head, _QUOTED in head
        found = _NAME.findall(text) if is_journal or not is_quoted else []
        if b"\\" in text and (is_quoted or _QUOTED in text):
            found += _QUOTED_NAME.findall(text)
            names.update(_KIND.findall(text) if is_journal else ())
        names.update(found)
        count += len(found)
        progress("reading", count)
    return {name.decode("utf-8", "replace") for name in names}


def _write(source: RowSource, path: Path, schema: pa.Schema, header: Header, progress: Progress) -> RowDigest:
    """Write the session; returns the proof of what was received."""
    drift = Drift()
    tally = HeaderStats()
    received = RowDigest()
    with session_writer(path, schema) as writer, GroupWriter(writer) as groups:
        for rows, own in ahead(_own(source.batches(_SLICE), received)):
            table = rows_to_table(rows, schema, drift, own)
            groups.add(table)
            tally.add(table, rows)
            progress("writing", tally.rows)
        groups.flush()
        tally.into(header)
        header.drift = {what: dict(counter) for what, counter in drift.counts.items()}
        if source.ended == "torn":
            header.ended = f"cut off, with {source.unused_bytes} bytes of a last row that is not whole"
        elif source.ended != "complete":
            header.ended = source.ended
        writer.add_key_value_metadata({KEY: header.dump()})
    return received


def _own(batches: Iterator[Rows], received: RowDigest) -> Iterator[tuple[Rows, pa.RecordBatch]]:
    for rows in batches:
        own = own_columns(rows)
        received.add(own)
        yield rows, own


def _compare(source: RowSource, path: Path, received: RowDigest, progress: Progress) -> None:
    """Read the session back and hold it against what was received; raises `JournalError` if it differs."""
    written = RowDigest()
    with pq.ParquetFile(path) as file:
        for batch in ahead(grouped_batches(file, 8192, PROVED)):
            written.add(batch)
            progress("comparing", written.rows)
    if written != received:
        raise JournalError(_difference(source, path))


def _difference(source: RowSource, path: Path) -> str:
    """Where the session differs from its journal, row by row: slow, and hopefully never needed."""
    written = _written(path)
    for rows in source.batches(8192):
        for row in rows:
            if next(written, None) != row._replace(received_ns=row.received_ns // 1000 * 1000):
                return f"row {row.seq} was not written as it was received"
    return "the session is not as it was received"


def _written(path: Path) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        for batch in grouped_batches(file, 8192, PROVED):
            received = pc.multiply(batch["received_at"].cast(pa.int64()), 1000)
            columns = (batch["seq"], received, batch["elapsed_ns"], batch["kind"], batch["raw"])
            yield from map(Row, *(column.to_pylist() for column in columns))


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, none of which is None; what making one raises comes out in its place."""
    with ThreadPoolExecutor(1, thread_name_prefix="arirecord-ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
