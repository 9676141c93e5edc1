"""Import: make a session of written event streams, line by line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson

from arirecord.asterisk.flatten import flatten
from arirecord.asterisk.timestamps import parse_timestamp
from arirecord.errors import ArirecordError
from arirecord.session.header import Header
from arirecord.session.journal import JournalWriter, event_lines, journal_path
from arirecord.session.output_file import check_output
from arirecord.session.rows import Rows
from arirecord.session.seal import Progress, make_session, no_progress, seal

from .import_lines import LATEST_NS, BrokenOffError, ImportLine, is_message, parse_line, read_lines, read_pieces

__all__ = ["ImportLine", "import_streams", "parse_line", "read_lines"]

_BATCH = 1000
_HEAD = 80
"""A line of a journal has its times within this number of bytes."""
_UNTIMED = 10_000
"""Number of rows that wait for the first one with a time."""


def import_streams(
    files: Iterable[Path | None], target: Path, *, force: bool = False, progress: Progress = no_progress
) -> Header:
    """Make one session of recorded streams, in the order given; None stands for standard input. Returns its header.

    Lines are `{"t": NS, "frame": "TEXT"}` or frames themselves; files can be compressed by gzip or zstd. Broken
    lines are kept and listed in the header's `problems`. Lines without `t` get the events' own timestamps. Memory is
    bounded.

    Raises `TargetExists`, `OSError`, and `ArirecordError` for Parquet and for files without any ARI event.
    """
    files = list(files)
    check_output(target, inputs=[file for file in files if file is not None], force=force)
    for file in files:
        _refuse_parquet(file)
    _refuse_other_files(files)
    found = Header(0, {"verb": "import", "files": [_name(file) for file in files]})
    stream = _Stream(files, found)
    if all(file is not None and file.is_file() for file in files):
        make_session(stream, target, found, force=force, progress=progress)
        return found
    # A pipe can't be read again, so its data is stored first.
    batches = stream.batches(_BATCH)
    first = next(batches, None)
    writer = JournalWriter(journal_path(target), found.started_ns, found.source)
    for rows in chain([first] if first else [], batches):
        writer.write(zip(rows.received_ns, rows.elapsed_ns, rows.kinds, rows.raws, strict=True))
        progress("importing", rows.seqs[-1] + 1)
    writer.close()
    if not stream.has_messages:
        writer.path.unlink()
        raise _other_input(files)
    return seal(writer.path, target, header=found, force=force, progress=progress)


class _Stream:
    """Files as rows that can be read again. `found` gets their start and their faults.

    `has_messages` is true after the first line that is a message of ARI.
    """

    ended = "complete"
    unused_bytes = 0

    def __init__(self, files: Sequence[Path | None], found: Header) -> None:
        self._files = files
        self._found = found
        self.has_messages = False

    def _lines(self, file: Path | None) -> Iterator[list[bytes]]:
        try:
            for lines in read_lines(file):
                self.has_messages = self.has_messages or any(map(is_message, lines))
                yield lines
        except BrokenOffError:
            self.has_messages = True  # it may have had some
            raise

    def texts(self) -> Iterator[bytes]:
        """Yield the lines as text, in pieces that end with a line."""
        for file in self._files:
            with suppress(BrokenOffError):  # reported when rows are read
                yield from read_pieces(file)

    def batches(self, size: int, max_bytes: int = 1 << 27) -> Iterator[Rows]:
        """Yield all rows, up to `size` at a time, or fewer to keep their text within `max_bytes`."""
        self._found.problems, self._found.problem_count = [], 0
        times: list[int] = []
        kinds: list[str] = []
        raws: list[str] = []
        elapsed_ns = seq = held = 0
        for part in chain(_timed(_parts(self._files, self._found, self._lines)), [None]):
            if part is not None:
                if not seq and not times:
                    self._found.started_ns = part.times[0]
                times += part.times
                kinds += part.kinds
                raws += part.raws
                held += sum(map(len, part.raws))
            while times and (part is None or len(times) >= size or held > max_bytes):
                since = (t_ns - self._found.started_ns for t_ns in times[:size])
                _, *elapsed = accumulate(since, max, initial=elapsed_ns)
                seqs = range(seq, seq := seq + len(elapsed))
                yield Rows(seqs, times[:size], elapsed, kinds[:size], raws[:size])
                elapsed_ns, held = elapsed[-1], 0
                del times[:size], kinds[:size], raws[:size]


def _refuse_parquet(file: Path | None) -> None:
    if file is not None and file.is_file():
        with file.open("rb") as stream:
            if stream.read(4) == b"PAR1":
                raise ArirecordError(
                    f"{file} is Parquet, not a stream of lines; a session needs no import: try `info` on it"
                )


def _refuse_other_files(files: Sequence[Path | None]) -> None:
    """Raise for a file without any ARI event, and if all files are empty. Pipes are checked after reading."""
    plain = [file for file in files if file is not None and file.is_file()]
    filled = [file for file in plain if file.stat().st_size]
    if unfit := [file for file in filled if not _has_messages(file)]:
        raise _other_input(unfit)
    if plain == files and not filled:
        raise _other_input(plain)


def _has_messages(file: Path) -> bool:
    try:
        return any(map(is_message, chain.from_iterable(read_lines(file))))
    except BrokenOffError:
        return True  # it may have had some


def _other_input(files: Sequence[Path | None]) -> ArirecordError:
    names = ", ".join(str(file or "standard input") for file in files)
    return ArirecordError(
        f'{names} is not an ARI event stream: it has no line with an ARI event, such as {{"type": "StasisStart", …}}.'
    )


def _name(file: Path | None) -> str:
    return file.name if file else "standard input"


class _Part(NamedTuple):
    """Some rows as columns, one at least."""

    times: Sequence[int | None]
    kinds: Sequence[str]
    raws: Sequence[str]


def _parts(
    files: Iterable[Path | None], found: Header, lines_of: Callable[[Path | None], Iterator[list[bytes]]]
) -> Iterator[_Part]:
    for file in files:
        number = 0
        try:
            for lines in lines_of(file):
                for begin in range(0, len(lines), _BATCH):
                    some = lines[begin : begin + _BATCH]
                    part = _alike(some) or _one_by_one(some, number, _name(file), found)
                    number += len(some)
                    if part.raws:
                        yield part
        except BrokenOffError as error:
            found.add_problem(f"{_name(file)}:{number + 1}", str(error))


def _alike(lines: Sequence[bytes]) -> _Part | None:
    """Parse lines of the same common form, much faster than `parse_line`, with the same result.

    None if a line has another form, or is the first of a journal.
    """
    if b',"event":{' in lines[0][:_HEAD] and (events := event_lines(b"\n".join(lines) + b"\n")):
        received, _, raws = events
        return _Part(received, ["event"] * len(lines), raws)
    try:
        found = list(map(orjson.loads, lines))
    except ValueError:
        return None
    if set(map(type, found)) != {dict}:
        return None
    if "frame" in found[0]:
        return _alike_records(found)
    # Other lines with one of these keys can be records or lines of a journal.
    if any("frame" in event or "elapsed_ns" in event or "arirecord" in event for event in found):
        return None
    times = [_stamp_ns(event.get("timestamp")) for event in found]
    return _Part(times, ["event"] * len(lines), list(map(bytes.decode, lines)))


def _alike_records(found: Sequence[dict[str, Any]]) -> _Part | None:
    """Parse records that have only a time and a frame."""
    times, frames = [record.get("t") for record in found], [record.get("frame") for record in found]
    if set(map(len, found)) != {2} or set(map(type, times)) != {int} or set(map(type, frames)) != {str}:
        return None
    numbers = cast(list[int], times)
    if min(numbers) < 0 or max(numbers) >= LATEST_NS:
        return None
    return _Part(numbers, ["event"] * len(found), cast(list[str], frames))


def _one_by_one(lines: Sequence[bytes], before: int, name: str, found: Header) -> _Part:
    """Parse lines of any form; `before` is the number of earlier lines of the file `name`."""
    rows = []
    for number, text in enumerate(lines, before + 1):
        line = parse_line(text, is_first=number == 1)
        if line is not None:
            if line.problem:
                found.add_problem(f"{name}:{number}", line.problem)
            rows.append(line)
    times = [line.t_ns if line.t_ns is not None else _event_ns(line) for line in rows]
    return _Part(times, [line.kind for line in rows], [line.raw for line in rows])


class _Timed(NamedTuple):
    """Rows that all have a time."""

    times: Sequence[int]
    kinds: Sequence[str]
    raws: Sequence[str]


def _timed(parts: Iterator[_Part]) -> Iterator[_Timed]:
    """Give rows without a time the time before; rows before the first known time get that one."""
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


def _event_ns(line: ImportLine) -> int | None:
    flat = flatten(line.raw).columns if line.kind == "event" else {}
    return flat["timestamp"] * 1_000_000 if "timestamp" in flat else None


def _stamp_ns(stamp: object) -> int | None:
    return _parse_stamp(stamp) if type(stamp) is str else None


@lru_cache(maxsize=1024)
def _parse_stamp(stamp: str) -> int | None:
    parsed = parse_timestamp(stamp)
    return parsed[0] * 1_000_000 if parsed else None
