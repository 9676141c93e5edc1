"""The blocks of a journal: independent zstd frames with a checksum after each batch, found again behind damage."""

import re
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import orjson
import zstandard

__all__ = [
    "BLOCK_FORMAT", "OWN_LINES", "BlockScan", "CheckedBatch", "Damage", "checksum_line", "first_head", "head_line",
    "inflate", "is_head",
]  # fmt: skip

BLOCK_FORMAT = 2
"""The format of journals in blocks."""
MAX_LINE_BYTES = 1 << 27
"""A longer line is damage: a frame has 64 MiB at most, and quotes may take as much again."""
_MAX_WINDOW_BYTES = 1 << 23
"""The writer's window is much smaller. A reader never needs more memory, whatever a file claims."""
_CHUNK = 1 << 10
"""A kilobyte of hostile data inflates to 32 MiB at most."""
_FINE_CHUNK = 1 << 3
_HEAD_CHUNK = 1 << 6
_HEAD_BYTES = 1 << 20
_SCAN = 1 << 16
_MAGIC = b"\x28\xb5\x2f\xfd"
_HEAD = b'{"arirecord":{'
_CHECK = b'{"crc32":'
OWN_LINES = (_HEAD, _CHECK)
"""Beginnings of the lines of a journal that are not rows."""
_CHECK_LINE = re.compile(rb'\{"crc32":([0-9]{1,10})(?:,"end":([0-9]{1,18}))?\}\n')
_MAX_SEQ = 10**18
_MAX_DAMAGES = 100
_SHOWN = 3


class Damage(NamedTuple):
    """A damaged place: the bytes `begin` to `end` of the file.

    first_seq: the first row that may be lost.
    lost_count: rows that are lost; None if it is unknown, as at the end of a file.
    """

    begin: int
    end: int
    first_seq: int
    lost_count: int | None

    def __str__(self) -> str:
        place = f"between byte {self.begin:,} and byte {self.end:,}"
        if self.lost_count is None:
            return f"rows from {self.first_seq:,} on are lost {place}"
        if not self.lost_count:
            return f"bytes {self.begin:,} to {self.end:,} are damaged or foreign, no row is lost"
        last_seq = self.first_seq + self.lost_count - 1
        rows = f"row {last_seq:,} is" if self.lost_count == 1 else f"rows {self.first_seq:,} to {last_seq:,} are"
        return f"{rows} lost {place}"


class CheckedBatch(NamedTuple):
    """Complete lines of so many `rows` with a right checksum; `seq` is that of the first one."""

    seq: int
    text: bytes
    rows: int


def head_line(head: Mapping[str, Any]) -> bytes:
    """Return the line with which a journal, and each of its blocks, begins."""
    return orjson.dumps({"arirecord": head}, option=orjson.OPT_APPEND_NEWLINE)


def checksum_line(crc32: int, end_seq: int | None = None) -> bytes:
    """Return the line after a batch. `end_seq`, in the last line of a journal, is the `seq` after its last row."""
    return b'{"crc32":%d}\n' % crc32 if end_seq is None else b'{"crc32":%d,"end":%d}\n' % (crc32, end_seq)


def is_head(head: Any) -> bool:
    """Return whether the object of a head has the required fields."""
    if type(head) is not dict or type(head.get("source")) is not dict:
        return False
    numbers = (head.get("format"), head.get("started_ns"), head.get("first_seq", 0), head.get("seq", 0))
    return all(type(number) is int and 0 <= number < 2**63 for number in numbers)


def inflate(file: IO[bytes], begin: int, chunk: int = _CHUNK) -> Iterator[tuple[bytes, int | None]]:
    """Yield the text of the zstd frame at `begin` in pieces with None, the last one with the position after the frame.

    Ends without such a position if the file ends before the frame does. Raises `ZstdError` if it is damaged.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).decompressobj()
    file.seek(begin)
    while data := file.read(chunk):
        begin += len(data)
        text = decompressor.decompress(data)
        yield text, begin - len(decompressor.unused_data) if decompressor.eof else None
        if decompressor.eof:
            return


def first_head(file: IO[bytes]) -> Any:
    """Return the object of the first line, of any version and unchecked; None without a head."""
    text = b""
    try:
        for piece, _ in inflate(file, 0, _HEAD_CHUNK):
            text += piece
            if b"\n" in piece or len(text) > _HEAD_BYTES:
                break
        return orjson.loads(text.partition(b"\n")[0])["arirecord"]
    except (zstandard.ZstdError, ValueError, KeyError, TypeError):
        return None


class _Block:
    """One zstd frame of a journal. After `batches`, `end` is the position after it, or None if it is not whole."""

    def __init__(self, file: IO[bytes], begin: int) -> None:
        self.begin = begin
        self.end: int | None = None
        self.is_cut = False
        self.unused_bytes = 0
        self.end_seq: int | None = None
        self._file = file

    def batches(self) -> Iterator[bytes]:
        """Yield the text of each batch whose checksum is right; stop at the first other one."""
        done = 0
        for chunk in (_CHUNK, _FINE_CHUNK):
            try:
                for number, batch in enumerate(self._checked(chunk)):
                    if number == done:
                        done += 1
                        yield batch
                return
            except zstandard.ZstdError:
                continue  # zstd gives nothing of a chunk with an error: read again, in steps smaller than a batch

    def _checked(self, chunk: int) -> Iterator[bytes]:
        self._held = bytearray()
        searched = crc = 0
        is_begun = False
        for text, end in inflate(self._file, self.begin, chunk):
            self._held += text
            while (place := self._held.find(_CHECK, searched)) >= 0:
                searched = place + 1
                if place and self._held[place - 1] != 0x0A:
                    continue  # within a frame
                match = _CHECK_LINE.match(self._held, place)
                if match is None:
                    searched = place  # the line goes on
                    break
                expected, size = int(match[1]), match.end()
                end_seq = None if match[2] is None else int(match[2])
                with memoryview(self._held) as held:
                    batch = bytes(held[:place])
                del self._held[:size]
                crc = zlib.crc32(batch, crc)
                if crc != expected:
                    return
                searched, is_begun, self.end_seq = 0, True, end_seq
                yield batch
            else:
                searched = max(searched, len(self._held) - len(_CHECK), 0)
            if len(self._held) > MAX_LINE_BYTES or not (is_begun or self._may_begin()):
                return
            if end is not None:
                self.end = None if self._held else end
                return
        self.is_cut, self.unused_bytes = True, len(self._held)

    def _may_begin(self) -> bool:
        return self._held[: len(_HEAD)] == _HEAD[: len(self._held)]


class BlockScan:
    """Reads the rows of a journal in blocks.

    After the end of `batches`: `damages` lists the damaged places, the first hundred of `damage_count`; `is_ended` is
    true if the journal has its end, `is_cut` if it breaks off, with `unused_bytes` of an incomplete batch. `head` is
    that of the first readable block, or None; `next_seq` the `seq` after the last row.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.head: Mapping[str, Any] | None = None
        self.damages: list[Damage] = []
        self.damage_count = self.lost_count = 0
        self.is_ended = self.is_cut = False
        self.unused_bytes = 0
        self._file = file
        self.next_seq = 0
        self._begin = 0  # of the first block that was not read to its end
        self._bad_at: int | None = None  # where bytes begin that hold no row so far

    def batches(self) -> Iterator[CheckedBatch]:
        """Yield all rows that can be read, each once and in order. Called again, it yields those that came since."""
        at, self._bad_at = self._begin, None
        cut: _Block | None = None
        while (begin := self._find_block(at)) is not None:
            if begin > at and self._bad_at is None:
                self._bad_at = at
            block = _Block(self._file, begin)
            yield from self._rows(block)
            if block.end is None and self._bad_at is None:
                self._bad_at, cut = begin, block if block.is_cut else None
            at = begin + 1 if block.end is None else block.end
            self.is_ended |= block.end is not None and block.end_seq is not None
        size = self._file.seek(0, 2)
        self._begin = at if cut is None or cut.begin != self._bad_at else cut.begin
        if self._bad_at is None and at < size:
            self._bad_at = at
        if cut is not None and cut.begin == self._bad_at and not self.is_ended:
            self.unused_bytes = cut.unused_bytes
        elif self._bad_at is not None:
            self._damaged(size, 0 if self.is_ended else None)
        self.is_cut = not self.is_ended

    def summary(self) -> str:
        """Return the first damaged places as text, for a journal that has one."""
        text = "; ".join(map(str, self.damages[:_SHOWN]))
        if self.damage_count > _SHOWN:
            text += f"; and {self.damage_count - _SHOWN:,} more places, {self.lost_count:,} rows lost in all"
        return text + "; its end is missing" * (self.is_cut and self.damages[-1].lost_count is not None)

    def _rows(self, block: _Block) -> Iterator[CheckedBatch]:
        seq: int | None = None
        for text in block.batches():
            if seq is None:
                line, _, text = text.partition(b"\n")
                seq = self._seq_of_head(line)
                if seq is None:
                    return
            if seq > self.next_seq or (seq == self.next_seq and self._bad_at is not None):
                self._damaged(block.begin, seq - self.next_seq)
            elif seq < self.next_seq and self._bad_at is None and block.begin != self._begin:
                self._bad_at = block.begin  # a block that is there twice
            count = text.count(b"\n")
            known_count = min(max(self.next_seq - seq, 0), count)
            if known_count < count:
                text = text.split(b"\n", known_count)[known_count] if known_count else text
                yield CheckedBatch(seq + known_count, text, count - known_count)
            seq += count
            self.next_seq = max(seq, self.next_seq)

    def _seq_of_head(self, line: bytes) -> int | None:
        """Return the `seq` of the first row of a block; None if it is not a block of this journal."""
        try:
            head = orjson.loads(line)["arirecord"]
        except (ValueError, KeyError, TypeError):
            return None
        if not is_head(head) or head["format"] != BLOCK_FORMAT or head.get("seq", _MAX_SEQ) >= _MAX_SEQ:
            return None
        if self.head is None:
            self.head, self.next_seq = head, head.get("first_seq", 0)
        if head["started_ns"] != self.head["started_ns"]:
            return None
        return int(head["seq"])

    def _damaged(self, end: int, lost_count: int | None) -> None:
        begin = end if self._bad_at is None else self._bad_at
        self._bad_at = None
        self.damage_count += 1
        self.lost_count += lost_count or 0
        if len(self.damages) < _MAX_DAMAGES:
            self.damages.append(Damage(begin, end, self.next_seq, lost_count))

    def _find_block(self, begin: int) -> int | None:
        """Return the position of the next magic number of zstd."""
        self._file.seek(begin)
        tail = b""
        while data := self._file.read(_SCAN):
            data = tail + data
            place = data.find(_MAGIC)
            if place >= 0:
                return begin + place
            tail = data[-3:]
            begin += len(data) - len(tail)
        return None
