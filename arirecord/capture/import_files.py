"""Files to import, as pieces of UTF-8 text: folders, archives, compressed files and other encodings."""

import bz2
import codecs
import gzip
import io
import lzma
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import zstandard

from arirecord.errors import ArirecordError

__all__ = ["BrokenOffError", "LongLineError", "Source", "find_sources", "read_pieces"]

_CHUNK = 1 << 20
_MOST = 1 << 22
"""A piece without a line end is cut at this number of bytes, at a comma or a brace."""
MAX_LINE_BYTES = 1 << 25
"""Without them nothing is cut: a value of this length is not an event."""
_ZSTD_CHUNK = 1 << 10
"""A kilobyte of hostile data inflates to 32 MiB at most."""
_GZIP, _BZIP2, _XZ, _ZSTD, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_TAR = slice(257, 262), b"ustar"
_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError, tarfile.TarError)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class BrokenOffError(ValueError):
    """Compressed data ends or breaks in the middle."""


class LongLineError(ValueError):
    """A line is too long to be read, or a file of a device has no end."""

    def __init__(self) -> None:
        super().__init__(
            f"a line has more than {MAX_LINE_BYTES >> 20} MiB without a comma or brace; nothing behind it is read"
        )


class Source(NamedTuple):
    """A file to import. `path` is empty for standard input; `is_found` is true if it was found in a folder."""

    path: Path | None
    is_found: bool = False

    @property
    def name(self) -> str:
        """Return its name for messages."""
        return self.path.name if self.path else "standard input"


def find_sources(paths: list[Path | None]) -> list[Source]:
    """Return the files, and the files of folders, sorted by name and without hidden ones and sessions.

    Raises `ArirecordError` for a folder without any.
    """
    sources: list[Source] = []
    for path in paths:
        if path is None or not path.is_dir():
            sources.append(Source(path))
            continue
        inside = [p for p in sorted(path.rglob("*")) if p.is_file() and p.suffix != ".parquet"]
        files = [Source(p, is_found=True) for p in inside if not any(x[0] == "." for x in p.relative_to(path).parts)]
        if not files:
            raise ArirecordError(f"{path} is a folder without any file to import")
        sources += files
    return sources


def read_pieces(file: Path | None) -> Iterator[bytes]:
    """Yield a file or standard input as UTF-8, in pieces that end with a line if lines are shorter than 4 MiB.

    Decompresses gzip, bzip2, xz and zstd, reads the files of zip and tar archives one after the other, and converts
    UTF-16 and UTF-32. Bytes in other encodings stay as they are.

    Memory is bounded. Raises `LongLineError`, and `BrokenOffError` if compressed data breaks off, after all before.
    """
    with file.open("rb", buffering=_CHUNK) if file else nullcontext(sys.stdin.buffer) as plain:
        yield from _whole_lines(_unpacked(plain))


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []  # of a line that has not ended yet
    size = 0
    try:
        for chunk in chunks:
            end = chunk.rfind(b"\n") + 1
            if not end and size + len(chunk) > _MOST:
                end = max(chunk.rfind(b","), chunk.rfind(b"}")) + 1  # within no character
            if end:
                yield b"".join([*begun, chunk[:end]])
                begun, size = [], 0
            begun.append(chunk[end:])
            size += len(begun[-1])
            if size > MAX_LINE_BYTES:
                raise LongLineError
    except _BROKEN as error:
        if rest := b"".join(begun):
            yield rest
        raise BrokenOffError(f"the compressed data breaks off here: {error}") from error
    if rest := b"".join(begun):
        yield rest


def _unpacked(file: Any) -> Iterator[bytes]:
    """Yield the text of a file that has `peek`, by the magic numbers at its beginning."""
    head = file.peek(512)[:512]
    if head.startswith(_GZIP):
        yield from _unpacked(gzip.GzipFile(fileobj=file))
    elif head.startswith(_BZIP2):
        yield from _unpacked(bz2.BZ2File(file))
    elif head.startswith(_XZ):
        with lzma.LZMAFile(file) as unpacked:
            yield from _unpacked(unpacked)
    elif head.startswith(_ZSTD):
        yield from _utf8(_unzstd(file))
    elif head.startswith(_ZIP):
        yield from _unzip(file)
    elif head[_TAR[0]] == _TAR[1]:
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for member in archive:
                if (inside := archive.extractfile(member)) is not None:
                    yield from _member(inside)
    else:
        yield from _utf8(iter(lambda: file.read1(_CHUNK), b""))


def _unzip(file: Any) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as copy:
        if not file.seekable():  # the table of contents is at the end
            shutil.copyfileobj(file, copy)
        try:
            with zipfile.ZipFile(file if file.seekable() else copy) as archive:
                for info in archive.infolist():
                    if not info.is_dir():
                        with archive.open(info) as inside:
                            yield from _member(inside)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # an encrypted one is a RuntimeError
            raise EOFError(str(error)) from error


def _member(file: IO[bytes]) -> Iterator[bytes]:
    with io.BufferedReader(cast(Any, file), _CHUNK) as buffered:
        yield from _unpacked(buffered)
    yield b"\n"


def _unzstd(source: Any) -> Iterator[bytes]:
    decompressor = None  # between two zstd frames
    held: list[bytes] = []
    while data := source.read(_ZSTD_CHUNK):
        while data:
            decompressor = decompressor or zstandard.ZstdDecompressor().decompressobj()
            try:
                held.append(decompressor.decompress(data))
            except zstandard.ZstdError:
                yield b"".join(held)
                raise
            data = decompressor.unused_data
            if decompressor.eof:
                decompressor = None
        if sum(map(len, held)) >= _CHUNK:
            yield b"".join(held)
            held = []
    yield b"".join(held)
    if decompressor is not None:
        raise EOFError("its end is missing")


def _utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 4:
            break
    bom, encoding = next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", _unmarked(head)))
    if encoding == "utf-8":
        yield head[len(bom) :]
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(head[len(bom) :]).encode("utf-8", "replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")


def _unmarked(head: bytes) -> str:
    """Return the encoding of JSON without a byte order mark, by its zeros: it begins with ASCII (RFC 4627)."""
    zeros = [byte == 0 for byte in head[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else "utf-8"
