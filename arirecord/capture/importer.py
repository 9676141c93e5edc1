"""Import: event streams that somebody already wrote down, line by line."""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson
import zstandard

from arirecord.ari.flatten import flatten
from arirecord.errors import ArirecordError
from arirecord.session.header import Header
from arirecord.session.journal import JournalWriter, event_line, journal_path
from arirecord.session.rows import binary_text
from arirecord.session.seal import Progress, no_progress, seal

from .parts import SingleFile

__all__ = ["Line", "import_streams", "parse_line", "read_lines"]

_BATCH = 1000
_CHUNK = 1 << 20
_LATEST_NS = 2**63
_UNTIMED = 10_000
"""So many rows wait for the first one that has a time."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a row: `t_ns` is when it was received or happened, None where it does not say; `problem` what is
    wrong with it.
    """

    raw: str
    t_ns: int | None = None
    kind: str = "event"
    problem: str | None = None


def import_streams(
    files: Iterable[Path | None], target: Path, *, force: bool = False, progress: Progress = no_progress
) -> Header:
    """Make one session of recorded streams, in the order given; None stands for standard input. Returns its header.

    Lines may be `{"t": NS, "frame": "TEXT"}` or frames themselves; files may be compressed by gzip or zstd. Broken
    lines are kept and listed in the header's `problems`. Where lines have no `t`, the events' own timestamps give the
    times. Memory is bounded.

    Raises `TargetExists`, `OSError`, and `ArirecordError` for a Parquet file.
    """
    SingleFile(target, force=force).open()
    files = list(files)
    for file in files:
        _refuse_parquet(file)
    source = {"verb": "import", "files": [_name(file) for file in files]}
    found = Header(0, source)
    lines = _timed(_lines(files, found))
    first = next(lines, None)
    found.started_ns = first.t_ns if first else 0
    writer = JournalWriter(journal_path(target), found.started_ns, source)
    elapsed_ns = count = 0
    for batch in _batches(chain([first] if first else [], lines)):
        rows = []
        for line in batch:
            elapsed_ns = max(elapsed_ns, line.t_ns - found.started_ns)
            rows.append((line.t_ns, elapsed_ns, line.kind, line.raw))
        writer.write(rows)
        count += len(rows)
        progress("importing", count)
    writer.close()
    return seal(writer.path, target, header=found, force=force, progress=progress)


def _refuse_parquet(file: Path | None) -> None:
    if file is not None:
        with file.open("rb") as stream:
            if stream.read(4) == b"PAR1":
                raise ArirecordError(
                    f"{file} is Parquet, no stream of lines; a session needs no import: try `info` on it"
                )


def _name(file: Path | None) -> str:
    return file.name if file else "standard input"


def _lines(files: Iterable[Path | None], found: Header) -> Iterator[Line]:
    for file in files:
        number = 0
        try:
            for text in read_lines(file):
                number += 1
                line = parse_line(text, is_first=number == 1)
                if line is not None:
                    if line.problem:
                        found.add_problem(f"{_name(file)}:{number}", line.problem)
                    yield line
        except BrokenOffError as error:
            found.add_problem(f"{_name(file)}:{number + 1}", str(error))


class BrokenOffError(ValueError):
    """Compressed data ends or breaks in the middle."""


def read_lines(file: Path | None) -> Iterator[bytes]:
    """Lines of a file or standard input, without their ends, decompressed where it is gzip or zstd.

    Raises `BrokenOffError` where compressed data breaks off, after all that came before.
    """
    with file.open("rb") if file else nullcontext(sys.stdin.buffer) as plain:
        source = io.BufferedReader(cast(Any, plain), _CHUNK)
        magic = source.peek(4)[:4]
        if magic[:2] == b"\x1f\x8b":
            unzipped = gzip.GzipFile(fileobj=source)
            pieces = iter(lambda: unzipped.read1(_CHUNK), b"")
        elif magic == b"\x28\xb5\x2f\xfd":
            pieces = _unzstd(source)
        else:
            pieces = iter(lambda: source.read1(_CHUNK), b"")
        rest = b""
        try:
            for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                yield from (line.rstrip(b"\r") for line in lines)
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            if rest:
                yield rest
            raise BrokenOffError(f"the compressed data breaks off here: {error}") from error
        if rest:
            yield rest.rstrip(b"\r")


def _unzstd(source: io.BufferedReader) -> Iterator[bytes]:
    decompressor = None  # between two zstd frames
    while data := source.read1(_CHUNK):
        while data:
            decompressor = decompressor or zstandard.ZstdDecompressor().decompressobj()
            yield decompressor.decompress(data)
            data = decompressor.unused_data
            if decompressor.eof:
                decompressor = None
    if decompressor is not None:
        raise EOFError("its end is missing")


def parse_line(text: bytes, *, is_first: bool = False) -> Line | None:
    """One line of a stream; None for lines that hold nothing (blank ones, the head of a journal)."""
    if is_first:
        text = text.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        return None
    try:
        whole = text.decode()
    except UnicodeDecodeError:
        return Line(binary_text(text), kind="binary", problem="not UTF-8 text; kept as binary")
    if (event := event_line(text)) and event[0] < _LATEST_NS:
        return Line(event[2], event[0])
    try:
        found = orjson.loads(text)
    except ValueError:  # not JSON, or JSON that only a more patient reader takes: surrogates, long numbers
        try:
            found = json.loads(whole)
        except (ValueError, RecursionError):
            return Line(whole, problem="not JSON; kept as it is")
    if not isinstance(found, dict):
        return Line(whole, problem="no JSON object; kept as it is")
    if "frame" not in found:
        return None if is_first and "arirecord" in found else Line(whole)
    return _parse_record(whole, found)


def _parse_record(whole: str, found: dict[str, Any]) -> Line:
    frame, t_ns, kind = found["frame"], found.get("t"), found.get("kind", "event")
    if not isinstance(frame, str) or not isinstance(kind, str):
        return Line(whole, problem='its "frame" is no text; kept as it is')
    try:
        frame.encode()
    except UnicodeEncodeError:
        return Line(whole, problem='its "frame" holds half a character (a lone surrogate); kept as it is')
    if t_ns is not None and (type(t_ns) is not int or not 0 <= t_ns < _LATEST_NS):
        return Line(
            frame,
            kind=kind,
            problem='its "t" is no count of nanoseconds since 1970; the frame is kept without it',
        )
    return Line(frame, t_ns, kind)


class _Timed(NamedTuple):
    t_ns: int
    kind: str
    raw: str


def _timed(lines: Iterator[Line]) -> Iterator[_Timed]:
    """Give every line a time: its own, else its event's, else the one before it; those before the first known time
    share that one.
    """
    waiting: list[Line] = []
    last: int | None = None
    for line in lines:
        t_ns = line.t_ns if line.t_ns is not None else _event_ns(line)
        if t_ns is None and last is None and len(waiting) < _UNTIMED:
            waiting.append(line)
            continue
        last = t_ns if t_ns is not None else last or 0
        yield from (_Timed(last, early.kind, early.raw) for early in waiting)
        waiting = []
        yield _Timed(last, line.kind, line.raw)
    yield from (_Timed(0, line.kind, line.raw) for line in waiting)


def _event_ns(line: Line) -> int | None:
    flat = flatten(line.raw).columns if line.kind == "event" else {}
    return flat["timestamp"] * 1_000_000 if "timestamp" in flat else None


def _batches(lines: Iterator[_Timed]) -> Iterator[list[_Timed]]:
    while batch := list(islice(lines, _BATCH)):
        yield batch
