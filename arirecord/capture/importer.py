"""Import: make a session of event streams that other programs wrote."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate, chain
from operator import methodcaller
from pathlib import Path
from typing import Any, cast

from arirecord.errors import ArirecordError, NoEvents
from arirecord.json_text import json_object
from arirecord.session.header import Header
from arirecord.session.journal import JournalReader, JournalWriter, journal_path
from arirecord.session.output_file import check_output
from arirecord.session.rows import TEXT, Rows
from arirecord.session.seal import Progress, make_session, no_progress, seal

from .import_events import EventFinder, FoundRow, own_time_ns
from .import_fast_lines import ImportedRows, alike
from .import_files import BrokenOffError, LongLineError, Source, find_sources, read_pieces
from .import_order import OrderCheck, OutOfOrderError, TimedRows, sorted_journal
from .import_report import FileReport
from .json_in_text import ValueReader

__all__ = ["import_streams"]

_BATCH = 1000
_UNTIMED = 10_000
"""Number of rows that wait for the first one with a time."""
_SORTED = "The rows were put in order of time: {}."


def import_streams(
    files: Iterable[Path | None],
    target: Path,
    *,
    field: str | None = None,
    time_field: str | None = None,
    keep_text: bool = False,
    force: bool = False,
    progress: Progress = no_progress,
) -> Header:
    """Make one session of recorded streams, in order of time; None stands for standard input. Returns its header.

    An event may stand alone, in `{"t": NS, "frame": "TEXT"}`, in the objects of a log system or after other text.
    Files can be compressed, and be folders or archives. Events without a time of receipt get their own timestamps.
    Faults are in the header's `problems`, remarks in `source["notes"]`. Memory is bounded.

    field: path of names to the event in each JSON object, joined by dots.
    time_field: the same for its time.
    keep_text: keep other text as rows of kind `text`.

    Raises `TargetExists`, `OSError`, `NoEvents` for a file without any ARI event, and `ArirecordError` for Parquet.
    """
    files = list(files)
    check_output(target, inputs=[file for file in files if file is not None], force=force)
    sources = find_sources(files)
    for each in sources:
        _refuse_parquet(each.path)
    header = Header(0, {"verb": "import", "files": [each.name for each in sources]})
    stream = _Stream(sources, header, EventFinder(field, time_field), keep_text=keep_text)
    if all(each.path is not None and each.path.is_file() for each in sources):
        try:
            make_session(stream, target, header, force=force, progress=progress)
        except OutOfOrderError as error:
            _seal_sorted(stream.sources(), target, header, str(error), force=force, progress=progress)
        return header
    # A pipe can't be read again, so its data is stored first.
    stream.must_be_ordered = False
    batches = stream.batches(_BATCH)
    first = next(batches, None)
    writer = JournalWriter(journal_path(target), header.started_ns, header.source)
    try:
        for rows in chain([first] if first else [], batches):
            writer.write(zip(rows.received_ns, rows.elapsed_ns, rows.kinds, rows.raws, strict=True))
            progress("importing", rows.seqs[-1] + 1)
        writer.close()
    except NoEvents:
        writer.close()
        writer.path.unlink()
        raise
    if not stream.disorder:
        return seal(writer.path, target, header=header, force=force, progress=progress)
    stored = JournalReader(writer.path).batches(_BATCH)
    timed = (TimedRows(rows.received_ns, rows.kinds, rows.raws) for rows in stored)
    _seal_sorted([timed], target, header, stream.disorder, force=force, progress=progress)
    writer.path.unlink()
    return header


def _seal_sorted(
    sources: Iterable[Iterator[TimedRows]], target: Path, header: Header, why: str, *, force: bool, progress: Progress
) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.sorting-", dir=target.parent) as folder:
        journal = Path(folder, "sorted")
        header.started_ns = sorted_journal(sources, journal, dict(header.source))
        _note(header, _SORTED.format(why))
        seal(journal, target, header=header, force=force, progress=progress)


def _note(header: Header, text: str) -> None:
    header.source = {**header.source, "notes": [*header.source.get("notes", []), text]}


class _Stream:
    """Files as rows that can be read again. `found` gets their start, their faults and remarks.

    `disorder` says how the rows are not in order of time; if `must_be_ordered`, `OutOfOrderError` is raised instead.
    """

    ended = "complete"
    unused_bytes = 0

    def __init__(self, sources: Sequence[Source], header: Header, finder: EventFinder, *, keep_text: bool) -> None:
        self._sources = sources
        self._header = header
        self._finder = finder
        self._keep_text = keep_text
        self.must_be_ordered = True
        self.disorder = ""

    def texts(self) -> Iterator[bytes]:
        """Yield the lines as text, in pieces that end with a line."""
        for source in self._sources:
            with suppress(BrokenOffError, LongLineError):  # reported when rows are read
                yield from read_pieces(source.path)

    def batches(self, size: int, max_bytes: int = 1 << 25) -> Iterator[Rows]:
        """Yield all rows, up to `size` at a time, or fewer to keep their text within `max_bytes`."""
        times: list[int] = []
        kinds: list[str] = []
        raws: list[str] = []
        elapsed_ns = seq = held = 0
        for part in chain(self._in_order(), [None]):
            if part is not None:
                if not seq and not times:
                    self._header.started_ns = part.times[0]
                times += part.times
                kinds += part.kinds
                raws += part.raws
                held += sum(map(len, part.raws))
            while times and (part is None or len(times) >= size or held > max_bytes):
                since = (t_ns - self._header.started_ns for t_ns in times[:size])
                _, *elapsed = accumulate(since, max, initial=elapsed_ns)
                seqs = range(seq, seq := seq + len(elapsed))
                yield Rows(seqs, times[:size], elapsed, kinds[:size], raws[:size])
                elapsed_ns, held = elapsed[-1], 0
                del times[:size], kinds[:size], raws[:size]

    def _in_order(self) -> Iterator[TimedRows]:
        order = OrderCheck()
        for source, rows in zip(self._sources, self.sources(), strict=True):
            steps = [methodcaller("begin", source.name)]
            for part in chain(rows, [None]):
                steps.append(methodcaller("add", part) if part else methodcaller("end"))
                try:
                    while steps and not self.disorder:
                        steps.pop(0)(order)
                except OutOfOrderError as error:
                    if self.must_be_ordered:
                        raise
                    self.disorder = str(error)
                if part:
                    yield part

    def sources(self) -> Iterator[Iterator[TimedRows]]:
        """Yield the rows of each file. Raises `NoEvents` after the rows of a file without events."""
        self._header.problems, self._header.problem_count = [], 0
        self._header.source = {key: value for key, value in self._header.source.items() if key != "notes"}
        reports: list[FileReport] = []
        before = [0]  # the last time of the files before
        for source in self._sources:
            reports.append(FileReport(source.name))
            yield _timed(self._parts(source, reports[-1]), before)
            if not reports[-1].has_events and reports[-1].has_data and not source.is_found:
                raise NoEvents(f"{source.path or source.name} {reports[-1].no_events()}")
        if not any(report.has_events for report in reports):
            raise NoEvents(f"{self._sources[0].path or self._sources[0].name} {reports[0].no_events()}")
        for report in reports:
            problems, notes = report.results(is_text_kept=self._keep_text)
            for problem in problems:
                self._header.add_problem(*problem)
            for note in notes:
                _note(self._header, note)

    def _parts(self, source: Source, report: FileReport) -> Iterator[ImportedRows]:
        reader = ValueReader()
        self._finder.broken_count, self._finder.broken = 0, ""
        try:
            for piece in read_pieces(source.path):
                report.begin(piece)
                lines = _lines(piece)
                for begin in range(0, len(lines), _BATCH):
                    some = lines[begin : begin + _BATCH]
                    part = alike(some) if self._finder.is_plain and not reader.is_within_value else None
                    if part:
                        if lost := report.lost(self._broken_count(reader)):
                            yield ImportedRows(part.times[:1], ["connection"], [lost])
                        report.events += len(part.raws)
                        report.line += len(some)
                        yield part
                    else:
                        is_ended = begin + _BATCH < len(lines) or piece.endswith(b"\n")
                        yield from self._found_in(reader, _text(some, report, is_ended=is_ended), report)
        except BrokenOffError as error:
            report.broke_off = str(error)
        except LongLineError as error:
            report.long_line, report.has_data = str(error), True
        yield from self._found_in(reader, "", report, is_last=True)
        lost = report.lost(self._broken_count(reader))
        if lost and len(self._sources) > 1:
            yield ImportedRows([None], ["connection"], [lost])

    def _found_in(
        self, reader: ValueReader, text: str, report: FileReport, *, is_last: bool = False
    ) -> Iterator[ImportedRows]:
        rows: list[FoundRow] = []
        for value in reader.read(text, is_last=is_last):
            self._other(report.add_other_text(value.before), rows)
            if value.value is None:
                continue
            events = self._finder.find(value.value, value.raw)
            if events or _is_of_journal(value.value):
                if events and (lost := report.lost(self._broken_count(reader))):
                    rows.append(FoundRow(None, lost, "connection"))
                report.add_events(value.text, events)
                rows += events
            else:
                report.add_object(value.value)
                self._other(report.add_other_text(value.text), rows)
        if is_last:
            self._other(report.add_other_text("\n"), rows)
        report.broken = reader.broken or self._finder.broken
        if rows:
            times = [row.t_ns if row.t_ns is not None else _own_time_ns(row) for row in rows]
            for at in range(len(rows) - 2, -1, -1):  # a gap ends with the event behind it
                if times[at] is None and rows[at].kind == "connection":
                    times[at] = times[at + 1]
            yield ImportedRows(times, [row.kind for row in rows], [row.raw for row in rows])

    def _broken_count(self, reader: ValueReader) -> int:
        return reader.broken_count + self._finder.broken_count

    def _other(self, lines: Sequence[str], rows: list[FoundRow]) -> None:
        if self._keep_text:
            rows += [FoundRow(None, line, TEXT) for line in lines]


def _is_of_journal(value: Mapping[str, Any]) -> bool:
    """Return whether an object is the head of a journal or the checksum of a batch."""
    return value.keys() == {"arirecord"} or ("crc32" in value and value.keys() <= {"crc32", "end"})


def _refuse_parquet(file: Path | None) -> None:
    if file is not None and file.is_file():
        with file.open("rb") as stream:
            if stream.read(4) == b"PAR1":
                raise ArirecordError(
                    f"{file} is Parquet, not a stream of events; a session needs no import: try `info` on it. "
                    "For another table, see docs/import.md"
                )


def _lines(piece: bytes) -> list[bytes]:
    lines = piece.split(b"\n")
    if not lines[-1]:
        del lines[-1]
    return [line.rstrip(b"\r") for line in lines] if b"\r" in piece else lines


def _text(lines: Sequence[bytes], report: FileReport, *, is_ended: bool) -> str:
    """Return lines as text; those that are not UTF-8 are read as Windows-1252. is_ended: the last one ends here."""
    end = b"\n" if is_ended else b""
    try:
        return (b"\n".join(lines) + end).decode()
    except UnicodeDecodeError:
        return "\n".join(_line_text(line, report) for line in lines) + end.decode()


def _line_text(line: bytes, report: FileReport) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            report.recoded_count += encoding == "utf-8"
    return line.decode("latin-1")


def _own_time_ns(row: FoundRow) -> int | None:
    """Return the time of an event's own timestamp."""
    if row.kind != "event" or '"timestamp"' not in row.raw:
        return None
    return own_time_ns(json_object(row.raw).get("timestamp"))


def _timed(parts: Iterator[ImportedRows], before: list[int]) -> Iterator[TimedRows]:
    """Give rows without a time the time before; rows before the first known time of a file get that one.

    `before` holds the last time so far.
    """
    waiting: list[ImportedRows] = []
    is_known = False
    for part in chain(parts, [None]):
        if part is not None:
            waiting.append(part)
            first = None if is_known else next((t_ns for t_ns in part.times if t_ns is not None), None)
            if first is not None:
                before[0], is_known = first, True
            elif not is_known and sum(len(early.raws) for early in waiting) < _UNTIMED:
                continue
        for early in waiting:
            yield _filled(early, before)
        waiting = []


def _filled(part: ImportedRows, before: list[int]) -> TimedRows:
    times = []
    for t_ns in part.times if None in part.times else ():
        before[0] = before[0] if t_ns is None else t_ns
        times.append(before[0])
    before[0] = times[-1] if times else cast(int, part.times[-1])
    return TimedRows(times or cast(Sequence[int], part.times), part.kinds, part.raws)
