"""Compact sessions: half the space, because text that the columns can reproduce is not stored.

`docs/format.md` defines them; `Session.frames` returns the same text as before, byte for byte.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.errors import ArirecordError, NotASession

from .column_check import LEADING, TEMPLATE
from .columnar.residuals import nulls
from .digest import PROVED, RowDigest
from .header import COMPACT_FORMAT, KEY
from .header_stats import TypeBytes
from .output_file import check_inputs, check_output, followed, give_name
from .parquet import COMPACT_ROW_GROUP, compact_writer, parquet_file
from .parts import Part
from .raw_templates import Templates
from .reader import SessionFile
from .seal import Progress, no_progress
from .stored_rows import grouped_batches, is_compact, opened, stored_batches

__all__ = ["compact"]

_SLICE = 8192
_CLUSTER = ("channel_id", "peer_id", "bridge_id", "playback_id", "recording_name")


def compact(session: SessionFile, target: Path, *, force: bool = False, progress: Progress = no_progress) -> None:
    """Write `session` to `target` with `raw` only for frames that the columns do not reproduce byte for byte.

    A folder becomes a folder with files of the same names. Every row is read back and compared before a file gets its
    name. Memory is bounded. The input does not change.

    Raises `TargetExists`, `FileNotFoundError`, `OSError`, `NotASession` for a compact session, and
    `ArirecordError` if the result differs from the input.
    """
    if session.is_running:
        raise NotASession(f"a recording to {session.path} is still running: compact it when it has ended")
    for part in session.parts:
        if is_compact(part.schema):
            raise NotASession(f"{part.path} is compact already")
    is_folder = session.path.is_dir()
    targets = [target / part.path.relative_to(session.path) for part in session.parts] if is_folder else [target]
    for path in targets:
        check_inputs(path, session.inputs)
        if is_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        check_output(path, inputs=session.inputs, force=force)
    done = 0
    for part, path in zip(session.parts, targets, strict=True):
        _compact_part(part, followed(path), force, partial(_from, progress, done))
        done += part.header.rows


def _from(progress: Progress, done: int, step: str, rows: int) -> None:
    progress(step, done + rows)


def _compact_part(part: Part, target: Path, force: bool, progress: Progress) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.compacting-", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        expected = _write(part, temporary, progress)
        digest = RowDigest()
        with parquet_file(temporary) as file:
            for batch in stored_batches(file, _SLICE, PROVED):
                digest.add(batch)
                progress("comparing", digest.rows)
        if digest != expected:
            raise ArirecordError(f"{part.path} can't be made compact: what was read back is not what was written")
        give_name(temporary, target, force=force)
    finally:
        temporary.unlink(missing_ok=True)


def _write(part: Part, path: Path, progress: Progress) -> RowDigest:
    expected = RowDigest()
    types = TypeBytes() if part.header.type_bytes is None else None
    with opened(part.path) as file:
        filled = _filled(file)
        columns = [field for field in part.schema.remove_metadata() if field.name in filled]
        schema = pa.schema([*columns, pa.field(TEMPLATE, pa.string())])
        with compact_writer(path, schema) as writer:
            done = 0
            for group in _groups(file, schema.names[:-1], expected, types):
                writer.write_table(group.cast(schema), row_group_size=COMPACT_ROW_GROUP)
                done += group.num_rows
                progress("writing", done)
                del group  # before the next is made
            header = replace(part.header, format=COMPACT_FORMAT, data_sha256=None)
            if types is not None:
                header.type_bytes = types.result()
            writer.add_key_value_metadata({KEY: header.dump()})
    return expected


def _filled(file: pq.ParquetFile) -> set[str]:
    """Return the columns that have a value, and those of every session: an empty column takes the space of a call."""
    names = set(file.schema_arrow.names)
    filled = names & {*LEADING.names, "extra", "raw"}
    for group in range(file.num_row_groups if names - filled else 0):
        for batch in grouped_batches(file, _SLICE, list(names - filled), [group]):
            filled |= {name for name in batch.schema.names if batch[name].null_count < len(batch)}
    return filled


def _groups(
    file: pq.ParquetFile, columns: Sequence[str], expected: RowDigest, types: TypeBytes | None
) -> Iterator[pa.Table]:
    """Yield row groups without the texts that templates give; the original rows go to `expected` and `types`."""
    templates = Templates()
    group: list[pa.Table] = []
    for batch in grouped_batches(file, _SLICE, columns):
        expected.add(batch.select(PROVED))
        table = _lean(pa.Table.from_batches([batch]))
        if types is not None:
            types.add(table.filter(pc.equal(table["kind"], "event")))
        group.append(_without_texts(table, templates))
        if sum(table.num_rows for table in group) + _SLICE > COMPACT_ROW_GROUP:
            yield _clustered(group)
    if group:
        yield _clustered(group)


def _without_texts(table: pa.Table, templates: Templates) -> pa.Table:
    """Replace texts by templates, if a template gives the text."""
    column = templates.of(table).dictionary_encode()  # as plain text it would be the longest column
    at = table.schema.get_field_index("raw")
    table = table.set_column(at, "raw", pc.if_else(pc.is_valid(column), None, table["raw"]))
    return table.append_column(TEMPLATE, column)


def _clustered(tables: list[pa.Table]) -> pa.Table:
    """Cluster rows by channel, in order: rows of one channel are more alike than neighbours in time.

    Empties the list, so that its tables are not held while the result is written.
    """
    table = pa.concat_tables(tables)
    tables.clear()
    names = [table[name] for name in _CLUSTER if name in table.column_names]
    cluster = pc.coalesce(*names, "") if names else pa.nulls(table.num_rows, pa.string())
    order = pc.sort_indices(
        pa.table({"cluster": cluster, "seq": table["seq"]}), [("cluster", "ascending"), ("seq", "ascending")]
    )
    lean = [name for name in table.column_names if table[name].null_count < len(table)]
    taken = table.select(lean).take(order)
    columns = [taken[f.name] if f.name in lean else nulls(f.type, len(table)) for f in table.schema]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _lean(table: pa.Table) -> pa.Table:
    """Return the same table; its many empty columns share one buffer."""
    columns = [column if column.null_count < len(table) else nulls(column.type, len(table)) for column in table.columns]
    return pa.Table.from_arrays(columns, schema=table.schema)
