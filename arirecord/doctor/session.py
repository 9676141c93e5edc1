"""Check a session: run all checks on its files, one after the other."""

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.errors import is_out_of_memory
from arirecord.session.header import Header
from arirecord.session.parquet import parquet_file
from arirecord.session.parts import Part
from arirecord.session.reader import SessionFile
from arirecord.session.seal import Progress, no_progress
from arirecord.session.stored_rows import stored_batches

from .channels import ChannelLives, ChannelOrder, LinkedId
from .clocks import SwitchClock, WallClock
from .columns import Columns, is_as_sealed, is_readable, known_columns, schema_findings
from .counts import Counts, sound
from .findings import Few, Finding
from .losses import Connections, Gaps, Replaced
from .order import PartOrder, RowOrder
from .received_events import Duplicates, Types, drift_findings
from .row_batches import BATCH, Batch, Check, Origin, is_checked
from .talking import TalkDetection

__all__ = ["examine_session", "row_checks"]

_NEVER_NULL = ("seq", "received_at", "elapsed_ns", "kind", "raw")


def row_checks() -> list[Check]:
    """Return the checks for the rows of a recording, sealed or not."""
    return [
        RowOrder(),
        WallClock(),
        SwitchClock(),
        ChannelOrder(),
        Gaps(),
        Connections(),
        Replaced(),
        Duplicates(),
        ChannelLives(),
        LinkedId(),
        TalkDetection(),
        Types(),
    ]


def examine_session(
    session: SessionFile | Sequence[Part], *, is_quick: bool = False, progress: Progress = no_progress
) -> Iterator[Finding]:
    """Yield the findings of an opened session, or of its parts, in the order of the rows; memory is bounded.

    is_quick: compare only a sample of the rows with their columns, and report that.
    progress: called with the number of rows done.
    """
    parts = session.parts if isinstance(session, SessionFile) else session
    checks: list[Check] = [PartOrder(), *row_checks()]
    done = 0
    for part in parts:
        name = _name(part, parts)
        header = yield from sound(name, part.header)
        origin = Origin(name, len(parts) > 1, header.started_ns, dict(header.source), header.ended != "complete")
        yield from _of_header(name, header)
        yield from schema_findings(name, part.schema)
        if not is_readable(part.schema):
            continue
        own: list[Check] = [Counts(name, header)]
        names = known_columns(part.schema)
        if is_as_sealed(part.path, part.header, part.schema):
            names = [column for column in names if is_checked(column)]
        else:
            own.append(Columns(name, header, part.schema, is_quick=is_quick))
        yield from _examine_part(part, origin, names, [*checks, *own], partial(_advance, progress, done))
        for check in own:
            yield from check.end()
        done += parquet_file(part.path).metadata.num_rows
    for check in checks:
        yield from check.end()


def _advance(progress: Progress, before: int, rows: int) -> None:
    progress("checking", before + rows)


def _name(part: Part, parts: Sequence[Part]) -> str:
    same = [p.path for p in parts if p.path.name == part.path.name]
    return part.path.name if len(same) == 1 else str(part.path)


def _of_header(name: str, header: Header) -> Iterator[Finding]:
    if header.ended != "complete":
        subject = "Its journal was" if header.ended.startswith("damaged") else "The recording ended before its time:"
        yield Finding("warning", "ended", name, f"{subject} {header.ended}.")
    if header.problem_count:
        first = "; ".join(f"{p.get('where')}: {p.get('subject')}" for p in header.problems[:3])
        more = f"; and {header.problem_count - 3:,} more" if header.problem_count > 3 else ""
        yield Finding(
            "warning", "problems", name, f"Its input was broken: {first}{more}.", "The readable events were kept."
        )
    yield from drift_findings(name, header.drift)


def _examine_part(
    part: Part, origin: Origin, names: Sequence[str], checks: Sequence[Check], progress: partial[None]
) -> Iterator[Finding]:
    count = before = 0
    nulls = Few()
    try:
        with parquet_file(part.path) as file:
            for stored in stored_batches(file, BATCH, names, has_nulls=True):
                count += stored.num_rows
                stored.validate(full=True)  # polars does not check text, and must not get invalid UTF-8
                table = pa.Table.from_batches([stored])
                for name in _NEVER_NULL:
                    if lacking := table[name].null_count:
                        what = f"{name} is null in {lacking:,} rows."
                        yield from nulls.one(Finding("error", "columns", f"{origin.name}, before row {count:,}", what))
                        table = table.filter(pc.is_valid(table[name]))
                if table.num_rows:
                    batch = Batch(origin, table)
                    for check in checks:
                        yield from check.rows(batch)
                before = count
                progress(count)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if is_out_of_memory(error):
            raise
        why = str(error).splitlines()[0][:200]
        what = f"What follows row {before:,} can't be read: {why}"
        yield Finding("error", "file", origin.name, what, "The file is damaged: take it from a backup.")
    yield from nulls.end()
