"""Check a journal: complete, torn or damaged, with advice."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pyarrow as pa

from arirecord.errors import JournalError
from arirecord.session.columnar.table import UnforeseenColumns, rows_to_table, session_schema
from arirecord.session.header import Drift
from arirecord.session.journal import JournalReader, is_locked, session_path
from arirecord.session.rows import Rows
from arirecord.session.seal import Progress, no_progress

from .findings import Finding
from .received_events import drift_findings
from .row_batches import BATCH, Batch, Origin
from .session import row_checks

__all__ = ["examine_journal", "no_journal"]


def examine_journal(reader: JournalReader, *, name: str = "", progress: Progress = no_progress) -> Iterator[Finding]:
    """Yield the findings of a journal and of its rows. `name` is its name in messages. Raises `OSError`."""
    name = name or reader.path.name
    is_alive = is_locked(reader.path)
    source = reader.head.get("source")
    if not isinstance(source, dict):
        yield Finding("error", "header", name, "Its head has no source of the recording (source).")
    origin = Origin(name, False, reader.head["started_ns"], source if isinstance(source, dict) else {}, is_cut=True)
    checks = row_checks()
    columns = _Columns()
    count, trouble = 0, ""
    for rows in reader.batches(BATCH):
        trouble = _not_as_agreed(rows)
        if trouble:
            break
        batch = Batch(origin, columns.table(rows))
        for check in checks:
            yield from check.rows(batch)
        count += len(rows)
        progress("reading", count)
    for check in checks:
        yield from check.end()
    yield from drift_findings(name, columns.drift.counts)
    yield from _state(reader, name, is_alive, count, trouble)
    if reader.path.stat().st_mode & 0o077:
        mode = reader.path.stat().st_mode & 0o777
        yield Finding("note", "mode", name, f"Others may read it (mode {mode:04o}).", f"`chmod 600 {reader.path}`")


def _state(reader: JournalReader, name: str, is_alive: bool, count: int, trouble: str) -> Iterator[Finding]:
    has_rows = f"{count - reader.gap_count:,} rows can be read"
    advice = _advice(reader.path)
    if trouble or reader.ended.startswith("damaged"):
        damage = trouble or reader.ended.removeprefix("damaged: ")
        where = "" if reader.damages else " before that"
        yield Finding("error", "journal", name, f"Damaged: {damage}; {has_rows}{where}.", advice)
    elif is_alive:
        yield Finding(
            "note", "journal", name, f"Being written right now; {has_rows} so far.", "Let its recorder seal it."
        )
    elif reader.ended == "torn":
        unused = f", and {reader.unused_bytes:,} bytes of a batch that is not whole" if reader.unused_bytes else ""
        yield Finding("warning", "journal", name, f"Cut off: {has_rows}{unused}.", advice)
    else:
        yield Finding("note", "journal", name, f"Whole, but not sealed: {has_rows}.", advice)


def _advice(path: Path) -> str:
    target = session_path(path)
    if target is None:
        return f"`arirecord recover {path} -o SESSION` makes a session of the readable rows."
    if target.exists():
        return f"{target} exists: `arirecord recover {path} -o ANOTHER`, and compare."
    return f"`arirecord recover {path}` makes a session of the readable rows."


def _not_as_agreed(rows: Rows) -> str:
    for row in rows:
        if not (type(row.received_ns) is type(row.elapsed_ns) is int and type(row.kind) is type(row.raw) is str):
            return f"row {row.seq} has a value of another type"
        if not (abs(row.received_ns) < 2**63 and abs(row.elapsed_ns) < 2**63):
            return f"row {row.seq} has a time beyond 64 bits"
    return ""


class _Columns:
    """Makes tables of rows, with the columns of all types so far."""

    def __init__(self) -> None:
        self.drift = Drift()
        self._names: set[str] = set()

    def table(self, rows: Rows) -> pa.Table:
        while True:
            drift = deepcopy(self.drift)
            try:
                table = rows_to_table(rows, session_schema(self._names), drift)
                break
            except UnforeseenColumns as unforeseen:
                self._names |= unforeseen.names
        self.drift = drift
        return table


def no_journal(path: Path, name: str, error: Exception) -> Finding:
    """Return the finding for a file that should be a journal and is not."""
    text = str(error).removeprefix(f"{path} ") if isinstance(error, JournalError) else "has a damaged head"
    if path.suffix == ".journal" and path.stat().st_size < 1024 and "nothing had been written" in text:
        return Finding(
            "warning", "file", name, f"It {text}.", "If no recording is writing it, it has no rows and can be removed."
        )
    return Finding("error", "file", name, f"It {text}.")
