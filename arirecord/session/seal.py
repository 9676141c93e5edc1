"""Sealing: a journal becomes a session. It is removed only after the session was read back and compared."""

import fcntl
import glob
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.errors import JournalError, NotASession, TargetExists
from arirecord.session.columnar.table import UnforeseenColumns, own_columns, rows_to_table, session_schema

from .bulk_mode import undisturbed
from .digest import PROVED, RowDigest, data_digest
from .header import KEY, Drift, Header
from .header_stats import HeaderStats
from .journal import DAMAGED, JournalReader, session_path
from .output_file import check_output, followed, give_name
from .parquet import GroupWriter, parquet_file, session_writer
from .rows import Row, Rows
from .stored_rows import grouped_batches

__all__ = [
    "Progress", "RowSource", "ahead", "make_session", "no_progress", "read_back", "recover", "seal", "sync_folder",
]  # fmt: skip

_SLICE = 40_960
"""Rows converted to columns together: Python objects for a whole row group would take a gigabyte."""

_LOCK_PATIENCE_S = 0.2
"""A look at a lock holds it for a moment."""

_NAME = re.compile(rb'"type": ?"([^"\\]*)')

_QUOTED = b'"frame":"'

_QUOTED_NAME = re.compile(rb'\\"type\\": ?\\"([^"\\]*)')

_KIND = re.compile(rb'"kind":"([^"\\]*)')
"""Pattern of the names of event types and kinds in a journal, with a limited length."""

Progress = Callable[[str, int], None]
"""Called with the step (`reading`, `writing`, `comparing`) and the rows done so far (while reading: about)."""


class RowSource(Protocol):
    """Rows that can be read repeatedly; see `JournalReader`."""

    @property
    def ended(self) -> str:
        """The state of its end: `complete`, `torn` or `damaged: …`."""

    @property
    def unused_bytes(self) -> int:
        """Size of the incomplete last line, in bytes."""

    def texts(self) -> Iterator[bytes]:
        """The lines in which event types are named, as text, in pieces that end with a line."""

    def batches(self, size: int) -> Iterator[Rows]:
        """All rows, up to `size` at a time."""


def no_progress(step: str, rows: int) -> None:
    """Ignore the progress."""


def recover(
    journal: Path, target: Path | None = None, *, force: bool = False, progress: Progress = no_progress
) -> Header:
    """Seal a journal that was left behind; of one that was sealed but not removed, return the header of the session.

    `target` is by default the session beside it. Also reads a damaged journal that `seal` has kept.

    Raises `JournalError` if it is being written or sealed or is not a journal, `TargetExists` as `seal` does.
    """
    target = target or session_path(journal)
    if target is None:
        raise JournalError(f"{journal} does not end in .journal: say where the session goes with -o")
    if not force and (header := _sealed_before(journal, target)) is not None:
        return header
    return seal(journal, target, force=force, progress=progress)


def seal(
    journal: Path, target: Path, *, header: Header | None = None, force: bool = False, progress: Progress = no_progress
) -> Header:
    """Seal `journal` as the session `target`; remove it after every row was read back and compared. Returns the header.

    `header` has the fields that only the recorder knows (`problems`, `ended`). A torn journal is sealed up to its last
    complete batch. Of a damaged one all rows that can be read are sealed; it is kept, renamed to end in `.damaged`.
    Memory is bounded.

    Raises `TargetExists` if `target` exists and not `force`, `JournalError` if the journal is being written or sealed,
    or if the session differs from it, `OSError` if the disk fails. The journal stays after every error.
    """
    with _locked(journal):
        try:
            check_output(target, inputs=[journal], force=force)
            reader = JournalReader(journal)
            header = header or Header(reader.head["started_ns"], reader.head["source"])
            _remove_unfinished(target)
            make_session(reader, target, header, force=force, progress=progress)
        except TargetExists as error:
            raise TargetExists(f"{error}. The recording is safe in {journal}") from None
        except JournalError as error:
            raise JournalError(f"{error}; the journal {journal} is kept") from error
        _discard(reader)
    return header


def _discard(reader: JournalReader) -> None:
    """Remove a journal whose rows are in a session; keep a damaged one under another name."""
    if reader.ended.startswith("damaged"):
        if not reader.path.name.endswith(DAMAGED):
            reader.path.rename(reader.path.with_name(reader.path.name + DAMAGED))
    else:
        reader.path.unlink()


@contextmanager
def _locked(journal: Path) -> Iterator[None]:
    """Lock a journal, so that one process at a time seals it. Raises `JournalError` if another process has it."""
    with journal.open("rb") as file:
        until_s = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until_s:
                    raise JournalError(
                        f"{journal} is being written or sealed by another process; end that recording instead"
                    ) from None
                time.sleep(0.01)
        if not journal.exists():
            raise FileNotFoundError(f"{journal} does not exist: another process has sealed it")
        yield


def _sealed_before(journal: Path, target: Path) -> Header | None:
    """Remove a journal whose rows are all in `target`: a process that seals can be killed before it removes it."""
    if not target.is_file():
        return None
    with _locked(journal), suppress(JournalError, NotASession, pa.ArrowException, KeyError):
        reader, rows = JournalReader(journal), RowDigest()
        for _ in _own(reader.batches(_SLICE), rows):
            pass
        if read_back(target, no_progress) == rows:
            header = Header.load((parquet_file(target).metadata.metadata or {})[KEY])
            _remove_unfinished(target)
            _discard(reader)
            return header
    return None


def _remove_unfinished(target: Path) -> None:
    """Remove what a killed process had written of `target`; the lock on the journal keeps others away."""
    for path in followed(target).parent.glob(f"{_unfinished(glob.escape(target.name))}*"):
        path.unlink(missing_ok=True)


def _unfinished(name: str) -> str:
    return f".{name}.sealing-"


def make_session(
    source: RowSource, target: Path, header: Header, *, force: bool = False, progress: Progress = no_progress
) -> None:
    """Write the rows of `source` to the session `target`, read every row back and compare it.

    `header` gets the counts. Memory is bounded.

    Raises `TargetExists` if `target` exists and not `force`, `JournalError` if the session differs from its source,
    `OSError` if the disk fails, and the errors of the source. After an error no file is left.
    """
    target = followed(target)
    with undisturbed():
        names = _names(source, progress)
        handle, name = tempfile.mkstemp(prefix=_unfinished(target.name), dir=target.parent)
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
            sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _names(source: RowSource, progress: Progress) -> set[str]:
    """Return the event types and kinds that may occur.

    They are found by a pattern, so there can be too many; missing ones are added while writing.
    """
    names: set[bytes] = set()
    count = 0
    for text in ahead(source.texts()):
        head = text[: text.find(b"\n")]
        # Records of other programs are quoted all or none; only journals have lines of other kinds.
        is_journal, is_quoted = b'"elapsed_ns":' in head, _QUOTED in head
        written = _NAME.findall(text) if is_journal or not is_quoted else []
        if b'\\"type\\"' in text:
            written += _QUOTED_NAME.findall(text)
        if is_journal and _QUOTED in text:
            names.update(_KIND.findall(text))
        names.update(written)
        count += len(written)
        progress("reading", count)
    return {name.decode("utf-8", "replace") for name in names}


def _write(source: RowSource, path: Path, schema: pa.Schema, header: Header, progress: Progress) -> RowDigest:
    """Write the session; return the digest of the received rows."""
    drift = Drift()
    tally = HeaderStats()
    received = RowDigest()
    with session_writer(path, schema) as writer, GroupWriter(writer) as groups:
        for rows, own in ahead(_own(source.batches(_SLICE), received)):
            table = rows_to_table(rows, schema, drift, own)
            groups.add(table)
            tally.add(table)
            progress("writing", tally.rows)
        groups.flush()
        tally.into(header)
        header.drift = {difference: dict(counter) for difference, counter in drift.counts.items()}
        # The writer has written the row groups, and nothing else so far.
        header.data_sha256 = data_digest(path, path.stat().st_size, schema, header.drift)
        if source.ended == "torn":
            header.ended = f"cut off, with {source.unused_bytes} bytes of a last batch that is not whole"
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
    """Read the session back and compare it with the received rows; raise `JournalError` if it differs."""
    if read_back(path, progress) != received:
        raise JournalError(_difference(source, path))


def read_back(path: Path, progress: Progress) -> RowDigest:
    """Return the digest of a session's rows as they are on the disk."""
    written = RowDigest()
    with parquet_file(path) as file:
        for batch in ahead(grouped_batches(file, 8192, PROVED)):
            written.add(batch)
            progress("comparing", written.rows)
    return written


def _difference(source: RowSource, path: Path) -> str:
    """Find the difference between the session and its journal, row by row. This is slow, and only for errors."""
    written = _written(path)
    for rows in source.batches(8192):
        for row in rows:
            if next(written, None) != row._replace(received_ns=row.received_ns // 1000 * 1000):
                return f"row {row.seq} was not written as it was received"
    return "the session is not as it was received"


def _written(path: Path) -> Iterator[Row]:
    with parquet_file(path) as file:
        for batch in grouped_batches(file, 8192, PROVED):
            received = pc.multiply(batch["received_at"].cast(pa.int64()), 1000)
            columns = (batch["seq"], received, batch["elapsed_ns"], batch["kind"], batch["raw"])
            yield from map(Row, *(column.to_pylist() for column in columns))


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; a system that can't do this is left alone."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the same items, never None; raise an error of the producer in its place."""
    with ThreadPoolExecutor(1, thread_name_prefix="arirecord-ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
