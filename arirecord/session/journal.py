"""The journal: the file that grows while a recording runs.

Blocks of lines of JSON: a head, a line for each row, a checksum after each batch. `docs/format.md` gives the reasons.
"""

import fcntl
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, starmap
from pathlib import Path
from typing import IO, Any

import zstandard

from arirecord import __version__
from arirecord.errors import JournalError, TargetExists

from .journal_blocks import (
    BLOCK_FORMAT,
    MAX_LINE_BYTES,
    BlockScan,
    Damage,
    checksum_line,
    first_head,
    head_line,
    inflate,
    is_head,
)
from .journal_lines import Columns, grouped_lines, read_lines, row_line
from .rows import Rows, own_text

__all__ = ["DAMAGED", "JournalReader", "JournalWriter", "in_the_way", "is_locked", "journal_path", "session_path"]

DAMAGED = ".damaged"
"""Ending of the name of a damaged journal that was sealed as far as it can be read."""

_BLOCK_BYTES = 1 << 18
"""Text of a block: a damaged place costs at most this much. A block begins without history: with blocks of 128 KiB
events take a fifth more space than in one stream, with 256 KiB a ninth, with 1 MiB a thirtieth.
"""
_BLOCK_SIZE = 1 << 14
"""Size of a block in the file: rows that zstd compresses less than usual end it earlier."""
_BATCH_BYTES = 1 << 15
"""Text of a batch, if it has more than one row: a reader holds a batch until it has seen its checksum."""
_PIECE_BYTES = 1 << 20
_OLD_CHUNK = 1 << 6
"""Journals of format 1 are read in so small pieces because damage costs the whole piece."""
_datasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""macOS has only the slower one."""


def journal_path(target: Path) -> Path:
    """Return the path of a session's journal: beside the session."""
    return target.with_name(target.name + ".journal")


def session_path(journal: Path) -> Path | None:
    """Return the path of the session beside a journal, also a damaged one; None if it has another name."""
    name = journal.name.removesuffix(DAMAGED)
    return journal.with_name(name.removesuffix(".journal")) if name.endswith(".journal") else None


def in_the_way(path: Path) -> TargetExists:
    """Return the error for an existing journal at the path of a new one."""
    if is_locked(path):
        return TargetExists(f"{path} exists: a recording to it is still running. Choose another output")
    advice = f"Run `arirecord recover {path}`, or choose another output"
    return TargetExists(f"{path} exists: an earlier recording was cut off. {advice}")


class JournalWriter:
    """Writes a journal. `path` must not exist; it is created 0600 and locked. `first_seq` is the `seq` of its first
    row, `size` its size in bytes.

    Raises `TargetExists` if it exists, `OSError` if it can't be written.
    """

    def __init__(self, path: Path, started_ns: int, source: Mapping[str, Any], first_seq: int = 0) -> None:
        self.path = path
        self.size = 0
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise in_the_way(path) from None
        fcntl.flock(self._fd, fcntl.LOCK_EX)  # waits at most for a short check by `is_locked`
        self._zstd = zstandard.ZstdCompressor(level=1, write_checksum=True)
        self._block: Any = None  # the compressor of the block that goes on
        self._block_bytes = self._block_size = self._crc = 0
        self._head = {
            "format": BLOCK_FORMAT,
            "arirecord": __version__,
            "started_ns": started_ns,
            "source": source,
            "first_seq": first_seq,
        }
        self._seq = first_seq
        self._unwritten = bytearray()
        try:
            self._add(b"", 0)
            self.flush()
        except OSError:
            os.close(self._fd)
            path.unlink()
            raise

    def write(self, rows: Iterable[tuple[int, int, str, str | bytes]]) -> None:
        """Append rows `(received_ns, elapsed_ns, kind, raw)` as one batch and write it to the file.

        The caller has checked that bytes in `raw` are UTF-8.

        Raises `OSError` if writing fails. The batch is kept, and `flush` tries again.
        """
        lines = [row_line(*row) for row in rows]
        self._write(b"".join(lines), len(lines))

    def write_together(self, groups: Iterable[tuple[int, int, str, Sequence[bytes]]]) -> None:
        """Append rows as `write` does, in groups of one time and kind: `(received_ns, elapsed_ns, kind, texts)`."""
        known = list(groups)
        self._write(b"".join(chain.from_iterable(starmap(grouped_lines, known))), sum(len(group[3]) for group in known))

    def _write(self, text: bytes, rows: int) -> None:
        begin = 0
        while len(text) - begin > _BATCH_BYTES:
            end = text.index(b"\n", begin + _BATCH_BYTES - 1) + 1
            count = text.count(b"\n", begin, end)
            self._add(text[begin:end], count)
            begin, rows = end, rows - count
        if rows:
            self._add(text[begin:] if begin else text, rows)
        self.flush()

    def _add(self, text: bytes, rows: int, *, is_last: bool = False) -> None:
        """Append a batch: complete lines, and their checksum. A block that is large enough ends with it."""
        if self._block is None:
            self._block = self._zstd.compressobj()
            self._block_bytes = self._block_size = self._crc = 0
            text = head_line({**self._head, "seq": self._seq}) + text
        self._seq += rows
        self._block_bytes += len(text)
        self._crc = zlib.crc32(text, self._crc)
        begin = len(self._unwritten)
        self._unwritten += self._block.compress(text)
        self._unwritten += self._block.compress(checksum_line(self._crc, self._seq if is_last else None))
        self._unwritten += self._block.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        self._block_size += len(self._unwritten) - begin
        if is_last or self._block_bytes >= _BLOCK_BYTES or self._block_size >= _BLOCK_SIZE:
            self._unwritten += self._block.flush()
            self._block = None

    def flush(self) -> None:
        """Write the data of a failed write. Raises `OSError` as `write` does."""
        while self._unwritten:
            # A disk that fills up accepts part of a batch: the rest must continue exactly there.
            written = os.write(self._fd, self._unwritten)
            del self._unwritten[:written]
            self.size += written

    def fileno(self) -> int:
        """Return the descriptor of the file."""
        return self._fd

    def go_on(self, path: Path, copy: int | None = None) -> None:
        """Take another name of the file, or go on in a locked copy of it, which is open for appending."""
        if copy is not None:
            os.dup2(copy, self._fd, inheritable=False)
            os.close(copy)
        self.path = path

    def sync(self) -> None:
        """Force the written data to the disk; may take long."""
        _datasync(self._fd)

    def close(self) -> None:
        """Write the end, sync and unlock. The file is closed even if this raises `OSError`."""
        try:
            self._add(b"", 0, is_last=True)
            self.flush()
            os.fsync(self._fd)
        finally:
            os.close(self._fd)


def is_locked(path: Path) -> bool:
    """Return whether this journal is being written. Raises `OSError` if it can't be opened."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


class JournalReader:
    """Reads a journal, complete, torn or damaged, repeatedly.

    `head` is the object of its first line. After the end of `texts` or `batches`, `ended` is `complete`, `torn`
    (cut off within a batch, as after a crash) or `damaged: …` with the rows and bytes, and `unused_bytes` is the size
    of the incomplete batch after the last row. `damages` are the damaged places, the first hundred of them;
    `gap_count` is the number of rows of type `gap` that stand for lost rows.

    Rows behind damage keep their `seq`. A row of type `gap` stands before them, with the number of lost rows.

    Raises `JournalError` if it is not a journal or has a newer format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended = "unread"
        self.unused_bytes = 0
        self.damages: list[Damage] = []
        self.gap_count = self._end_seq = 0
        with path.open("rb") as file:
            self.head, self._has_blocks = self._read_head(file)

    def _read_head(self, file: IO[bytes]) -> tuple[Mapping[str, Any], bool]:
        head = first_head(file)
        version = head.get("format") if isinstance(head, dict) else None
        if version != 1 or "seq" in head:  # of a damaged head the number may be wrong
            scan = BlockScan(file)
            next(scan.batches(), None)
            if scan.head is not None:
                return scan.head, True
        if head is None:
            raise JournalError(f"{self.path} is not a journal of arirecord, or nothing had been written to it yet")
        if type(version) is int and version > BLOCK_FORMAT:
            raise JournalError(f"{self.path} has format {version}: please update arirecord")
        if version == BLOCK_FORMAT and is_head(head):
            raise JournalError(f"{self.path} is damaged: none of its batches can be read")
        if version != 1 or not is_head(head):
            raise JournalError(f"{self.path} has a damaged head: its first line is not that of a journal")
        return head, False

    def texts(self) -> Iterator[bytes]:
        """The rows' lines as text, in pieces of some megabytes that end with a line."""
        return (text for _, text in self._pieces())

    def batches(self, size: int, max_bytes: int = 1 << 25) -> Iterator[Rows]:
        """Yield all rows, `size` at a time, or fewer to keep their text within about `max_bytes`."""
        seq, held = self.head.get("first_seq", 0), 0
        self.gap_count = self._end_seq = 0
        last_ns = self.head["started_ns"], 0
        waiting: Columns = ([], [], [], [])
        for first_seq, text in self._pieces():
            lost_count = first_seq - seq - len(waiting[0])
            if lost_count and waiting[0]:
                yield _rows(seq, waiting)
                waiting, held = ([], [], [], []), 0
            rest = read_lines(text, waiting)
            held += len(text)
            if lost_count and waiting[0]:
                seq = first_seq - 1
                self.gap_count += 1
                _insert_gap(waiting, lost_count)
            while len(waiting[0]) >= size or (waiting[0] and (held >= max_bytes or rest)):
                rows: Columns = (waiting[0][:size], waiting[1][:size], waiting[2][:size], waiting[3][:size])
                for column in waiting:
                    del column[:size]
                yield _rows(seq, rows)
                last_ns = rows[0][-1], rows[1][-1]
                seq, held = seq + len(rows[0]), 0
            if rest:
                self.ended = f"damaged: row {seq} can't be read"
                return
        last_ns = (waiting[0][-1], waiting[1][-1]) if waiting[0] else last_ns
        if waiting[0]:
            yield _rows(seq, waiting)
        if lost_count := max(self._end_seq - seq - len(waiting[0]), 0):
            self.gap_count += 1
            yield _rows(self._end_seq - 1, ([last_ns[0]], [last_ns[1]], ["connection"], [_gap(lost_count)]))

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield complete lines, with the `seq` of the first; a reader that stops early does not set `ended`."""
        with self.path.open("rb") as file:
            yield from self._from_blocks(file) if self._has_blocks else self._from_stream(file)

    def _from_blocks(self, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        scan = BlockScan(file)
        texts: list[bytes] = []
        begin_seq = next_seq = held = 0
        for seq, text, rows in scan.batches():
            if texts and (seq != next_seq or held >= _PIECE_BYTES):
                yield begin_seq, b"".join(texts)
                texts, held = [], 0
            if not texts:
                begin_seq = seq
            texts.append(text)
            held += len(text)
            next_seq = seq + rows
        if texts:
            yield begin_seq, b"".join(texts)
        self.unused_bytes, self.damages, self._end_seq = scan.unused_bytes, scan.damages, scan.next_seq
        self.ended = "torn" if scan.is_cut else "complete"
        if scan.damages:
            self.ended = f"damaged: {scan.summary()}"

    def _from_stream(self, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        """Read format 1: one stream, with one checksum at its end."""
        seq, self.ended = self.head.get("first_seq", 0), "torn"
        held = bytearray()
        has_line, is_head_line = False, True
        for text in chain(self._inflated(file), [None]):
            if text is not None:
                held += text
                has_line |= b"\n" in text
                if len(held) > MAX_LINE_BYTES and not has_line:
                    self.ended = f"damaged: a line is longer than {MAX_LINE_BYTES >> 20} MiB"
                    break
                if len(held) < _PIECE_BYTES or not has_line:
                    continue
            end = held.rfind(b"\n") + 1
            lines = bytes(held[:end])
            del held[:end]
            has_line = False
            if is_head_line:
                lines, is_head_line = lines.partition(b"\n")[2], False
            if lines:
                yield seq, lines
                seq += lines.count(b"\n")
        self.unused_bytes = len(held)

    def _inflated(self, file: IO[bytes]) -> Iterator[bytes]:
        try:
            for text, end in inflate(file, 0, _OLD_CHUNK):
                if end is not None:
                    self.ended = "complete" if end == file.seek(0, os.SEEK_END) else "damaged: data after its end"
                yield text
        except zstandard.ZstdError as error:
            self.ended = f"damaged: {error}"


def _rows(seq: int, columns: Columns) -> Rows:
    return Rows(range(seq, seq + len(columns[0])), *columns)


def _insert_gap(columns: Columns, lost_count: int) -> None:
    """Insert a row of type `gap`, at the time of the row after it."""
    received_ns, elapsed_ns, kinds, raws = columns
    received_ns.insert(0, received_ns[0])
    elapsed_ns.insert(0, elapsed_ns[0])
    kinds.insert(0, "connection")
    raws.insert(0, _gap(lost_count))


def _gap(lost_count: int) -> str:
    return own_text("connection", "gap", reason="the journal is damaged here", lost_count=lost_count)
