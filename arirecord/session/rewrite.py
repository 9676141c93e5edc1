"""Sessions made of the rows of other sessions: complete rows, written like any recording."""

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.timestamps import format_timestamp

from .header import Header
from .journal import JournalWriter, journal_path
from .output_file import check_output, followed, give_name
from .parts import Part
from .reader import SessionFile
from .recorded_time import Gap
from .rows import Row, own_text
from .seal import Progress, no_progress, seal
from .stored_rows import opened, stored_batches

__all__ = ["describe_source", "gap_row", "read_batches", "read_rows", "to_rows", "write_session"]

_BATCH = 4096
_ROW = ("seq", "received_at", "elapsed_ns", "kind", "raw")


def read_batches(
    session: SessionFile,
    columns: Sequence[str] = (),
    *,
    with_gaps: bool = True,
    servers: Collection[str | None] | None = None,
) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield the session in batches with the columns of a row, and the existing ones of `columns`; memory is bounded.

    With each batch comes the offset of its `elapsed_ns`, so that they count from the session's first part. A gap
    between two parts is a row of kind `connection`, if `with_gaps`. A gap of some of the `servers` (None: those of the
    session) names its server.
    """
    started_ns = session.header.started_ns
    names_of = [{server.name for server in session.servers if n in server.parts} for n in range(len(session.parts))]
    every = {server.name for server in session.servers} if servers is None else {*servers}
    gaps: dict[int, list[Gap]] = {}
    for gap in gaps_of_servers(session) if with_gaps else ():
        gaps.setdefault(gap.part, []).append(gap)
    for number, part in enumerate(session.parts):
        names = [name for name in columns if name in part.schema.names and name not in _ROW]
        for gap in gaps.get(number, ()):
            yield _gap_batch(gap, part, names), part.header.started_ns - started_ns
        own = [name for name in names_of[number] if name] if names_of[number] < every and part.header.gap_count else []
        with opened(part.path) as file:
            for batch in stored_batches(file, _BATCH, [*_ROW, *names]):
                yield _naming_servers(batch, own) if own else batch, part.header.started_ns - started_ns


def gaps_of_servers(session: SessionFile) -> Iterator[Gap]:
    """Yield the gaps between parts of a session; if it has several servers, those of each, which name it."""
    if len(session.servers) < 2:
        yield from (gap for gap in session.recorded_time.gaps if gap.is_between)
    for server in session.servers if len(session.servers) > 1 else ():
        for gap in session.recorded_time_of(server).gaps:
            if gap.is_between:
                yield gap._replace(server=server.name)


def _naming_servers(batch: pa.RecordBatch, servers: Sequence[str]) -> pa.RecordBatch:
    """Return the rows with each gap that names no server once for each of these."""
    numbers, raws = [], []
    for number, (kind, raw) in enumerate(zip(batch["kind"].to_pylist(), batch["raw"].to_pylist(), strict=True)):
        fields = orjson.loads(raw) if kind == "connection" else {}
        if fields.get("type") == "gap" and "connection_server" not in fields:
            texts = [orjson.dumps({**fields, "connection_server": server}).decode() for server in servers]
        else:
            texts = [raw]
        numbers += [number] * len(texts)
        raws += texts
    if raws == batch["raw"].to_pylist():
        return batch
    taken = batch.take(pa.array(numbers))
    return taken.set_column(taken.schema.get_field_index("raw"), "raw", pa.array(raws, taken.schema.field("raw").type))


def gap_row(
    begin_ns: int, end_ns: int, started_ns: int, reason: str = "no recording was running", server: str | None = None
) -> Row:
    """A row that reports a gap in a recording that started at `started_ns`; all times are since 1970 UTC.

    server: the `asterisk_id` of the only server that the gap concerns; None: all servers.
    """
    since = format_timestamp(begin_ns // 1_000_000 * 1_000_000)
    text = own_text("connection", "gap", lost_since=since, reason=reason, server=server)
    return Row(0, end_ns, end_ns - started_ns, "connection", text)


def _gap_batch(gap: Gap, part: Part, names: Sequence[str]) -> pa.RecordBatch:
    row = gap_row(gap.begin_ns, gap.end_ns, part.header.started_ns, server=gap.server)
    _, received_ns, elapsed_ns, kind, raw = row
    values = {"seq": gap.seq, "received_at": received_ns // 1000, "elapsed_ns": elapsed_ns, "kind": kind, "raw": raw}
    fields = [part.schema.field(name) for name in (*_ROW, *names)]
    columns = [pa.array([{**values, "type": "gap"}.get(field.name)], field.type) for field in fields]
    return pa.record_batch(columns, pa.schema(fields))


def to_rows(batch: pa.RecordBatch, shift_ns: int = 0) -> Iterator[Row]:
    """The rows of a batch; `received_ns` to the microsecond, as sessions keep it."""
    received_ns = pc.multiply(batch["received_at"].cast(pa.int64()), 1000)
    elapsed_ns = pc.add(batch["elapsed_ns"], shift_ns) if shift_ns else batch["elapsed_ns"]
    columns = (batch["seq"], received_ns, elapsed_ns, batch["kind"], batch["raw"])
    return map(Row, *(column.to_pylist() for column in columns))


def read_rows(session: SessionFile) -> Iterator[Row]:
    """All rows in order; memory stays bounded."""
    for batch, shift_ns in read_batches(session):
        yield from to_rows(batch, shift_ns)


def describe_source(session: SessionFile) -> dict[str, Any]:
    """Return the description of `session` for the header of a session made from it."""
    header = session.header
    return {
        "session": session.path.name,
        "source": dict(header.source),
        "started_ns": header.started_ns,
        "rows": header.rows,
        "events": header.events,
        "first_at": header.first_at,
        "last_at": header.last_at,
        "ended": header.ended,
    }


def write_session(
    rows: Iterable[Sequence[Row]],
    target: Path,
    *,
    started_ns: int,
    inputs: Iterable[Path],
    source: Callable[[], Mapping[str, Any]],
    first_seq: int = 0,
    ended: str = "complete",
    check: Callable[[Path], None] = lambda path: None,
    force: bool = False,
    progress: Progress = no_progress,
) -> Header:
    """Journal and seal `rows`, given in batches; `seq` counts from `first_seq`. Returns the header.

    inputs: the files and folders of the rows: they are never replaced.
    source: called for the header's `source` when all rows are read.
    check: called with the sealed session before it gets its name.

    `elapsed_ns` that would fall, or be negative, is raised to the one before. After an error, also of `check`, no file
    is left; the inputs still have the rows.

    Raises `TargetExists`, `OSError`, and the errors of `rows` and `check`.
    """
    check_output(target, inputs=inputs, force=force)
    target = followed(target)
    with _beside(target) as folder:
        made = folder / f".{target.name}"
        writer = JournalWriter(journal_path(made), started_ns, {}, first_seq)
        elapsed_ns = count = 0
        try:
            for batch in rows:
                lines = []
                for row in batch:
                    elapsed_ns = max(elapsed_ns, row.elapsed_ns)
                    lines.append((row.received_ns, elapsed_ns, row.kind, row.raw))
                writer.write(lines)
                count += len(lines)
                progress("reading rows", count)
        finally:
            writer.close()
        header = seal(
            writer.path, made, header=Header(started_ns, source(), ended=ended), force=force, progress=progress
        )
        check(made)
        give_name(made, target, force=force)
    return header


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a folder for unfinished files, on the target's disk; remove it afterwards with its content."""
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.making-", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
