"""Import: event streams that somebody already wrote down, line by line."""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson
import zstandard

from arirecord.ari.flatten import flatten
from arirecord.ari.timestamps import parse_timestamp
from arirecord.errors import ArirecordError
from arirecord.session.header import Header
from arirecord.session.journal import JournalWriter, event_line, event_lines, journal_path
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
    parts = _timed(_parts(files, found))
    first = next(parts, None)
    found.started_ns = first.times[0] if first else 0
    writer = JournalWriter(journal_path(target), found.started_ns, source)
    elapsed_ns = count = 0
    for part in chain([first] if first else [], parts):
        _, *elapsed = accumulate((t_ns - found.started_ns for t_ns in part.times), max, initial=elapsed_ns)
        writer.write(zip(part.times, elapsed, part.kinds, part.raws, strict=True))
        elapsed_ns = elapsed[-1]
        count += len(elapsed)
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


class _Part(NamedTuple):
    """Some rows as columns, one at least. `raws` that are bytes are UTF-8."""

    times: Sequence[int | None]
    kinds: Sequence[str]
    raws: Sequence[str | bytes]


def _parts(files: Iterable[Path | None], found: Header) -> Iterator[_Part]:
    for file in files:
        number = 0
        try:
            for lines in read_lines(file):
                for begin in range(0, len(lines), _BATCH):
                    some = lines[begin : begin + _BATCH]
                    part = _alike(some) or _one_by_one(some, number, _name(file), found)
                    number += len(some)
                    if part.raws:
                        yield part
        except BrokenOffError as error:
            found.add_problem(f"{_name(file)}:{number + 1}", str(error))


def _alike(lines: Sequence[bytes]) -> _Part | None:
    """Lines that are all of the same common form, and none the first of a journal; None where one is not. Gives what
    `parse_line` gives, much sooner.
    """
    if events := event_lines(b"\n".join(lines) + b"\n"):
        times, _, raws = events
        return _Part(times, ["event"] * len(lines), raws)
    try:
        found = list(map(orjson.loads, lines))
    except ValueError:
        return None
    if set(map(type, found)) != {dict}:
        return None
    if "frame" in found[0]:
        return _alike_records(found)
    # What else has one of these keys may be a record or a journal's.
    if any("frame" in event or "elapsed_ns" in event or "arirecord" in event for event in found):
        return None
    return _Part([_stamp_ns(event.get("timestamp")) for event in found], ["event"] * len(lines), lines)


def _alike_records(found: Sequence[dict[str, Any]]) -> _Part | None:
    """Records of a time and a frame, and nothing else."""
    times, frames = [record.get("t") for record in found], [record.get("frame") for record in found]
    if set(map(len, found)) != {2} or set(map(type, times)) != {int} or set(map(type, frames)) != {str}:
        return None
    numbers = cast(list[int], times)
    if min(numbers) < 0 or max(numbers) >= _LATEST_NS:
        return None
    return _Part(numbers, ["event"] * len(found), cast(list[str], frames))


def _one_by_one(lines: Sequence[bytes], before: int, name: str, found: Header) -> _Part:
    """Lines of any form; `before` so many of the file `name` came before these."""
    rows = []
    for number, text in enumerate(lines, before + 1):
        line = parse_line(text, is_first=number == 1)
        if line is not None:
            if line.problem:
                found.add_problem(f"{name}:{number}", line.problem)
            rows.append(line)
    times = [line.t_ns if line.t_ns is not None else _event_ns(line) for line in rows]
    return _Part(times, [line.kind for line in rows], [line.raw for line in rows])


class BrokenOffError(ValueError):
    """Compressed data ends or breaks in the middle."""


def read_lines(file: Path | None) -> Iterator[list[bytes]]:
    """Lines of a file or standard input, many at a time, without their ends, decompressed where it is gzip or zstd.

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
                yield [line.rstrip(b"\r") for line in lines]
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            if rest:
                yield [rest]
            raise BrokenOffError(f"the compressed data breaks off here: {error}") from error
        if rest:
            yield [rest.rstrip(b"\r")]


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
    """A part of which every row has a time."""

    times: Sequence[int]
    kinds: Sequence[str]
    raws: Sequence[str | bytes]


def _timed(parts: Iterator[_Part]) -> Iterator[_Timed]:
    """Give rows without a time the one before it; those before the first known time share that one."""
    waiting: list[_Part] = []
    last: int | None = None
    for part in parts:
        waiting.append(part)
        if last is None:
            last = next((t_ns for t_ns in part.times if t_ns is not None), None)
            if last is None and sum(len(early.raws) for early in waiting) < _UNTIMED:
                continue
        for early in waiting:
            timed = _filled(early, last or 0)
            last = timed.times[-1]
            yield timed
        waiting = []
    yield from (_filled(early, 0) for early in waiting)


def _filled(part: _Part, before_ns: int) -> _Timed:
    if None not in part.times:
        return _Timed(cast(Sequence[int], part.times), part.kinds, part.raws)
    times = []
    for t_ns in part.times:
        before_ns = before_ns if t_ns is None else t_ns
        times.append(before_ns)
    return _Timed(times, part.kinds, part.raws)


def _event_ns(line: Line) -> int | None:
    flat = flatten(line.raw).columns if line.kind == "event" else {}
    return flat["timestamp"] * 1_000_000 if "timestamp" in flat else None


def _stamp_ns(stamp: object) -> int | None:
    return _parse_stamp(stamp) if type(stamp) is str else None


@lru_cache(maxsize=1024)
def _parse_stamp(stamp: str) -> int | None:
    parsed = parse_timestamp(stamp)
    return parsed[0] * 1_000_000 if parsed else None
