"""Lines of written event streams: read a file, and parse a line."""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import zstandard

from arirecord.asterisk.catalogue import event_types
from arirecord.session.journal import event_line
from arirecord.session.rows import binary_text

__all__ = ["LATEST_NS", "BrokenOffError", "ImportLine", "is_message", "parse_line", "read_lines", "read_pieces"]

_CHUNK = 1 << 20
_ENVELOPE = {"application", "asterisk_id", "asterisk_info"}
"""Fields of messages of ARI of any type; other JSON rarely has one of them beside a `type`."""
LATEST_NS = 2**63
"""Later than any valid time, in nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One line as a row: `t_ns` is the time of its receipt or event, None if unknown; `problem` is its fault."""

    raw: str
    t_ns: int | None = None
    kind: str = "event"
    problem: str | None = None


class BrokenOffError(ValueError):
    """Compressed data ends or breaks in the middle."""


def read_pieces(file: Path | None) -> Iterator[bytes]:
    """Yield a file or standard input in pieces that end with a line, except the last; decompress gzip and zstd.

    Raises `BrokenOffError` if compressed data breaks off, after all data before.
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
        begun: list[bytes] = []  # of a line that has not ended yet
        try:
            for piece in pieces:
                end = piece.rfind(b"\n") + 1
                if end:
                    yield b"".join([*begun, piece[:end]])
                    begun = []
                begun.append(piece[end:])
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            if rest := b"".join(begun):
                yield rest
            raise BrokenOffError(f"the compressed data breaks off here: {error}") from error
        if rest := b"".join(begun):
            yield rest


def read_lines(file: Path | None) -> Iterator[list[bytes]]:
    """Yield the lines of a file, many at a time, without line ends. Raises `BrokenOffError` as `blocks` does."""
    for piece in read_pieces(file):
        lines = piece.split(b"\n")
        if not lines[-1]:
            del lines[-1]
        yield [line.rstrip(b"\r") for line in lines] if b"\r" in piece else lines


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


def parse_line(text: bytes, *, is_first: bool = False) -> ImportLine | None:
    """Parse one line of a stream; None for blank lines and the head of a journal."""
    if is_first:
        text = text.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        return None
    try:
        whole = text.decode()
    except UnicodeDecodeError:
        return ImportLine(binary_text(text), kind="binary", problem="not UTF-8 text; kept as binary")
    if (event := event_line(text)) and event[0] < LATEST_NS:
        return ImportLine(event[2], event[0])
    try:
        found = orjson.loads(text)
    except ValueError:  # not JSON, or JSON that only the slower reader accepts: surrogates, long numbers
        try:
            found = json.loads(whole)
        except (ValueError, RecursionError):
            return ImportLine(whole, problem="not JSON; kept as it is")
    if not isinstance(found, dict):
        return ImportLine(whole, problem="not a JSON object; kept as it is")
    if "frame" not in found:
        return None if is_first and "arirecord" in found else ImportLine(whole)
    return _parse_record(whole, found)


def is_message(text: bytes) -> bool:
    """Return whether a line is a message of ARI, as it was sent or in one of our own forms."""
    line = parse_line(text)
    if line is None or line.problem:
        return False
    message = orjson.loads(text) if line.raw.encode() == text else None
    if not isinstance(message, dict):
        return True  # a frame with its time, or a journal's
    kind = message.get("type")
    # A later Asterisk may have events that the catalogue lacks.
    return kind in event_types() or (isinstance(kind, str) and not _ENVELOPE.isdisjoint(message))


def _parse_record(whole: str, found: dict[str, Any]) -> ImportLine:
    frame, t_ns, kind = found["frame"], found.get("t"), found.get("kind", "event")
    if not isinstance(frame, str) or not isinstance(kind, str):
        return ImportLine(whole, problem='its "frame" is not a text; kept as it is')
    try:
        frame.encode()
    except UnicodeEncodeError:
        return ImportLine(whole, problem='its "frame" holds half a character (a lone surrogate); kept as it is')
    if t_ns is not None and (type(t_ns) is not int or not 0 <= t_ns < LATEST_NS):
        return ImportLine(
            frame,
            kind=kind,
            problem='its "t" is not a number of nanoseconds since 1970; the frame is kept without it',
        )
    return ImportLine(frame, t_ns, kind)
