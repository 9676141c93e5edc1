"""The journal: the file that grows while a recording runs.

One zstd stream of lines of JSON: a head, then a line a row. `docs/format.md` gives the reasons.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, starmap
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
import zstandard

from arirecord import __version__
from arirecord.errors import JournalError, TargetExists

from .header import FORMAT
from .rows import Rows

__all__ = ["JournalReader", "JournalWriter", "event_line", "event_lines", "in_the_way", "is_locked", "journal_path"]

_CHUNK = 1 << 17
_LATEST_NS = 2**63
_first, _last = itemgetter(slice(0, 1)), itemgetter(slice(-1, None))
_EVENT_LINE = re.compile(r'\{"t":([0-9]{1,19}),"elapsed_ns":([0-9]{1,19}),"event":(\{.*\})\}')
_EVENT_LINES = re.compile(rf"^(?:{_EVENT_LINE.pattern}$|.*$)", re.MULTILINE)
"""Matches any line; for lines of another form the groups are empty."""

_datasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""macOS has only the slower one."""


def journal_path(target: Path) -> Path:
    """Return the path of a session's journal: beside the session."""
    return target.with_name(target.name + ".journal")


def in_the_way(path: Path) -> TargetExists:
    """Return the error for an existing journal at the path of a new one."""
    what = (
        "a recording to it is still running. Choose another output"
        if is_locked(path)
        else f"an earlier recording was cut off. Run `arirecord recover {path}`, or choose another output"
    )
    return TargetExists(f"{path} exists: {what}")


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
        self._compressor = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
        self._unwritten = bytearray()
        head = {
            "format": FORMAT,
            "arirecord": __version__,
            "started_ns": started_ns,
            "source": source,
            "first_seq": first_seq,
        }
        try:
            self._append(orjson.dumps({"arirecord": head}) + b"\n")
        except OSError:
            os.close(self._fd)
            path.unlink()
            raise

    def write(self, rows: Iterable[tuple[int, int, str, str | bytes]]) -> None:
        """Append rows `(received_ns, elapsed_ns, kind, raw)` as one batch and write it to the file.

        The caller has checked that bytes in `raw` are UTF-8.

        Raises `OSError` if writing fails. The batch is kept, and `flush` tries again.
        """
        self._append(b"".join(_line(*row) for row in rows))

    def write_together(self, groups: Iterable[tuple[int, int, str, Sequence[bytes]]]) -> None:
        """Append rows as `write` does, in groups of one time and kind: `(received_ns, elapsed_ns, kind, texts)`."""
        self._append(b"".join(chain.from_iterable(starmap(_lines, groups))))

    def _append(self, text: bytes) -> None:
        self._unwritten += self._compressor.compress(text) + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        self.flush()

    def flush(self) -> None:
        """Write the data of a failed write. Raises `OSError` as `write` does."""
        while self._unwritten:
            # A disk that fills up accepts part of a batch: the rest must continue exactly there.
            written = os.write(self._fd, self._unwritten)
            del self._unwritten[:written]
            self.size += written

    def sync(self) -> None:
        """Force the written data to the disk; may take long."""
        _datasync(self._fd)

    def close(self) -> None:
        """End the stream, sync and unlock. The file is closed even if this raises `OSError`."""
        try:
            self._unwritten += self._compressor.flush()
            self.flush()
            os.fsync(self._fd)
        finally:
            os.close(self._fd)


def event_line(line: bytes) -> tuple[int, int, str] | None:
    """Return `(received_ns, elapsed_ns, raw)` of a line with an unquoted frame; None for lines of any other form.

    Raises `UnicodeDecodeError` if the frame is not UTF-8.
    """
    found = _EVENT_LINE.fullmatch(line.decode())
    return (int(found[1]), int(found[2]), found[3]) if found else None


def event_lines(text: bytes) -> tuple[list[int], list[int], list[str]] | None:
    """Return `received_ns`, `elapsed_ns` and `raw` of complete lines that all have unquoted frames.

    None if a line has another form, or a value that no row can have.
    """
    try:
        lines = text.decode()
    except UnicodeDecodeError:
        return None
    times, elapsed_times, raws = zip(*_EVENT_LINES.findall(lines, 0, max(len(lines) - 1, 0)), strict=True)
    if "" in times:
        return None
    received, elapsed = list(map(int, times)), list(map(int, elapsed_times))
    if max(received) >= _LATEST_NS or max(elapsed) >= _LATEST_NS:
        return None
    return received, elapsed, list(raws)


def _lines(received_ns: int, elapsed_ns: int, kind: str, texts: Sequence[bytes]) -> Iterable[bytes]:
    """Return the lines of rows of one time, in pieces: in one step if no frame needs quotes, which is usual."""
    if kind == "event" and set(map(_first, texts)) == {b"{"} and set(map(_last, texts)) == {b"}"}:
        begin = b'{"t":%d,"elapsed_ns":%d,"event":' % (received_ns, elapsed_ns)
        lines = (b"}\n" + begin).join(texts)
        if lines.count(b"\n") == len(texts) - 1:
            return begin, lines, b"}\n"
    return [_line(received_ns, elapsed_ns, kind, text) for text in texts]


def _line(received_ns: int, elapsed_ns: int, kind: str, raw: str | bytes) -> bytes:
    data = raw.encode() if isinstance(raw, str) else raw
    if kind == "event" and data[:1] == b"{" and data[-1:] == b"}" and len(data) > 1 and b"\n" not in data:
        # Quoting it as text would take longer than all other work for a frame.
        return b'{"t":%d,"elapsed_ns":%d,"event":%b}\n' % (received_ns, elapsed_ns, data)
    line: dict[str, Any] = {"t": received_ns, "elapsed_ns": elapsed_ns, "frame": data.decode()}
    if kind != "event":
        line["kind"] = kind
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


_Columns = tuple[list[int], list[int], list[str], list[str]]


def _read_lines(text: bytes, columns: _Columns) -> bool:
    """Append the rows of complete lines to `received_ns, elapsed_ns, kind, raw`; False if one is unreadable."""
    received_ns, elapsed_ns, kinds, raws = columns
    if events := event_lines(text):
        received_ns += events[0]
        elapsed_ns += events[1]
        kinds += ["event"] * len(events[0])
        raws += events[2]
        return True
    for line in text.split(b"\n")[:-1]:
        try:
            row = _row(line)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        for column, value in zip(columns, row, strict=True):
            column.append(value)  # type: ignore[attr-defined]  # a list of such values: `_row` has checked
    return True


def _row(text: bytes) -> tuple[int, int, str, str]:
    if event := event_line(text):
        t_ns, elapsed_ns, kind, raw = event[0], event[1], "event", event[2]
    else:
        line = orjson.loads(text)
        t_ns, elapsed_ns, kind, raw = line["t"], line["elapsed_ns"], line.get("kind", "event"), line["frame"]
    if not (type(t_ns) is type(elapsed_ns) is int and type(kind) is type(raw) is str):
        raise TypeError
    if t_ns < 0 or elapsed_ns < 0 or max(t_ns, elapsed_ns) >= _LATEST_NS:
        raise ValueError
    return t_ns, elapsed_ns, kind, raw


def is_locked(path: Path) -> bool:
    """Return whether this journal is being written. Raises `OSError` if it can't be opened."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


class JournalReader:
    """Reads a journal, complete or torn, repeatedly.

    `head` is the object of its first line. After the end of `texts` or `batches`, `ended` is `complete`, `torn`
    (cut off within a batch, as after a crash) or `damaged: …`, and `unused_bytes` is the size of the incomplete
    line after the last row.

    Raises `JournalError` if it is not a journal or has a newer format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended = "unread"
        self.unused_bytes = 0
        self.head = self._read_head()

    def _read_head(self) -> Mapping[str, Any]:
        try:
            head = orjson.loads(next(self._texts(64), b"").partition(b"\n")[0])["arirecord"]
        except (ValueError, KeyError, TypeError):
            raise JournalError(
                f"{self.path} is not a journal of arirecord, or nothing had been written to it yet"
            ) from None
        try:
            version = head["format"]
            if type(version) is int and version > FORMAT:
                raise JournalError(f"{self.path} has format {version}: please update arirecord")
            numbers = (version, head["started_ns"], head.get("first_seq", 0))
            if not all(type(number) is int and number >= 0 for number in numbers) or type(head["source"]) is not dict:
                raise TypeError
        except (KeyError, TypeError, AttributeError):
            raise JournalError(f"{self.path} has a damaged head: its first line is not that of a journal") from None
        result: Mapping[str, Any] = head
        return result

    def texts(self) -> Iterator[bytes]:
        """The rows' lines as text, in pieces of some megabytes that end with a line."""
        pieces = self._texts(_CHUNK)
        first = next(pieces, b"")
        yield first.partition(b"\n")[2]
        yield from pieces

    def batches(self, size: int, max_bytes: int = 1 << 27) -> Iterator[Rows]:
        """Yield all rows, `size` at a time, or fewer to keep their text within `max_bytes`."""
        waiting: _Columns = ([], [], [], [])
        seq, held = self.head.get("first_seq", 0), 0
        for piece in self.texts():
            is_whole = _read_lines(piece, waiting)
            held += len(piece)
            while len(waiting[0]) >= size or (waiting[0] and (held >= max_bytes or not is_whole)):
                rows = [column[:size] for column in waiting]
                for column in waiting:
                    del column[:size]
                yield Rows(range(seq, seq := seq + len(rows[0])), *rows)  # type: ignore[arg-type]  # five columns of five types
                held = 0
            if not is_whole:
                self.ended = f"damaged: row {seq} can't be read"
                return
        if waiting[0]:
            yield Rows(range(seq, seq + len(waiting[0])), *waiting)

    def _texts(self, chunk: int) -> Iterator[bytes]:
        """Yield complete lines only; a reader that stops early does not set `ended`."""
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        rest = b""
        ended = "torn"
        with self.path.open("rb") as file:
            while data := file.read(chunk):
                try:
                    text = decompressor.decompress(data)
                except zstandard.ZstdError as error:
                    ended = f"damaged: {error}"
                    break
                text = rest + text
                end = text.rfind(b"\n") + 1
                rest = text[end:]
                if end:
                    yield text[:end]
                if decompressor.eof:
                    ended = (
                        "complete"
                        if not decompressor.unused_data and not file.read(1)
                        else "damaged: data after its end"
                    )
                    break
        self.unused_bytes = len(rest)
        self.ended = ended
