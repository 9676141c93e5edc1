"""A session in half the space: what columns can say again is not kept as text.

`docs/format.md` says how; `Session.frames` gives the same text as before, byte for byte.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.errors import ArirecordError, NotASession

from .header import COMPACT_FORMAT, KEY
from .parquet import COMPACT_ROW_GROUP, compact_writer
from .proof import PROVED, Proof
from .reader import Part, Session
from .seal import Progress, check_target, give_name, no_progress
from .stored import is_compact, stored_batches
from .tally import TypeBytes
from .templates import TEMPLATE, restore, template_of

__all__ = ["compact"]

_SLICE = 8192
_CLUSTER = ("channel_id", "peer_id", "bridge_id", "playback_id", "recording_name")


def compact(session: Session, target: Path, *, force: bool = False, progress: Progress = no_progress) -> None:
    """Write `session` to `target` with `raw` only where the columns do not give the frame byte for byte.

    A folder becomes a folder with files of the same names. Every row is read back and compared before a file gets its
    name. Memory is bounded. The session itself stays.

    Raises `TargetExists`, `FileNotFoundError`, `OSError`, `NotASession` for one that is compact already, and
    `ArirecordError` if what was read back differs.
    """
    for part in session.parts:
        if is_compact(part.schema):
            raise NotASession(f"{part.path} is compact already")
    if session.path.is_dir():
        targets = [target / part.path.relative_to(session.path) for part in session.parts]
        for path in targets:
            path.parent.mkdir(parents=True, exist_ok=True)
    else:
        targets = [target]
    for path in targets:
        check_target(path, force=force)
    done = 0
    for part, path in zip(session.parts, targets, strict=True):
        _compact_part(part, path, force, partial(_from, progress, done))
        done += part.header.rows


def _from(progress: Progress, done: int, what: str, rows: int) -> None:
    progress(what, done + rows)


def _compact_part(part: Part, target: Path, force: bool, progress: Progress) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.compacting-", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        expected = _write(part, temporary, progress)
        found = Proof()
        with pq.ParquetFile(temporary) as file:
            for batch in stored_batches(file, _SLICE, PROVED):
                found.add(batch)
                progress("comparing", found.rows)
        if found != expected:
            raise ArirecordError(f"{part.path} can't be made compact: what was read back is not what was written")
        give_name(temporary, target, force=force)
    finally:
        temporary.unlink(missing_ok=True)


def _write(part: Part, path: Path, progress: Progress) -> Proof:
    expected, types = Proof(), TypeBytes()
    schema = part.schema.remove_metadata().append(pa.field(TEMPLATE, pa.string()))
    with pq.ParquetFile(part.path) as file, compact_writer(path, schema) as writer:
        for group in _groups(file):
            tables = []
            for table in group:
                for batch in table.select(PROVED).combine_chunks().to_batches():
                    expected.add(batch)
                if part.header.type_bytes is None:
                    types.add(table.filter(pc.equal(table["kind"], "event")))
                tables.append(_without_texts(table))
                progress("writing", expected.rows)
            writer.write_table(_clustered(pa.concat_tables(tables)).cast(schema), row_group_size=COMPACT_ROW_GROUP)
        type_bytes = types.result() if part.header.type_bytes is None else part.header.type_bytes
        header = replace(part.header, format=COMPACT_FORMAT, type_bytes=type_bytes)
        writer.add_key_value_metadata({KEY: header.dump()})
    return expected


def _groups(file: pq.ParquetFile) -> Iterator[list[pa.Table]]:
    """The rows in tables of `_SLICE`, as many as make a row group together."""
    group: list[pa.Table] = []
    for batch in file.iter_batches(_SLICE):
        group.append(pa.Table.from_batches([batch]))
        if sum(table.num_rows for table in group) + _SLICE > COMPACT_ROW_GROUP:
            yield group
            group = []
    if group:
        yield group


def _without_texts(table: pa.Table) -> pa.Table:
    """Texts replaced by templates, where a template gives the text."""
    kinds, raws = table["kind"].to_pylist(), table["raw"]
    found = [template_of(raw) if kind == "event" else None for kind, raw in zip(kinds, raws.to_pylist(), strict=True)]
    templates = pa.array(found, pa.string())
    at = table.schema.get_field_index("raw")
    nothing = pa.nulls(table.num_rows, pa.string())
    restored = restore(table.set_column(at, "raw", nothing).append_column(TEMPLATE, templates))
    is_same = pc.fill_null(pc.equal(restored, raws), False)
    table = table.set_column(at, "raw", pc.if_else(is_same, None, raws))
    return table.append_column(TEMPLATE, pc.if_else(is_same, templates, None))


def _clustered(table: pa.Table) -> pa.Table:
    """What one channel says together, in order: it repeats itself more than its neighbours in time."""
    names = [table[name] for name in _CLUSTER if name in table.column_names]
    cluster = pc.coalesce(*names, "") if names else pa.nulls(table.num_rows, pa.string())
    order = pc.sort_indices(
        pa.table({"cluster": cluster, "seq": table["seq"]}), [("cluster", "ascending"), ("seq", "ascending")]
    )
    return table.take(order)
