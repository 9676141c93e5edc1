"""Compare `raw` with the columns: every column is computed from it, and can be computed again.

The comparison is the most expensive check. It is left out if a digest proves that the file is as it was sealed.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from arirecord import __version__
from arirecord.asterisk.catalogue import event_types
from arirecord.session.column_check import LEADING, TEMPLATE
from arirecord.session.columnar.table import UnforeseenColumns, rows_to_table, session_schema
from arirecord.session.digest import PROVED, data_digest
from arirecord.session.header import Drift, Header
from arirecord.session.parquet import parquet_file
from arirecord.session.rows import OWN_COLUMNS, Rows

from .findings import Few, Finding
from .row_batches import Batch

__all__ = ["SAMPLE", "Columns", "is_as_sealed", "is_readable", "known_columns", "schema_findings"]

SAMPLE = 1_000
"""Number of rows of each batch that are compared if a sample is enough."""
_NEEDED = {*LEADING.names, "extra", "raw"}
_FROM_ELSEWHERE = {"seq", "received_at", "elapsed_ns", "kind", "raw"}
_WIDTH = 80
_FOOTER = 8
"""Bytes after the metadata of a Parquet file."""


@cache
def _all_fields() -> Mapping[str, pa.DataType]:
    schema = session_schema([*event_types(), *OWN_COLUMNS])
    return {field.name: field.type for field in schema}


def schema_findings(name: str, schema: pa.Schema) -> Iterator[Finding]:
    """Yield columns that are missing, of another type, or unknown. The rows can't be checked after an error about a
    column that every session has.
    """
    for column in [*LEADING.names, "extra", "raw"]:
        if column not in schema.names:
            yield Finding("error", "columns", name, f"The column {column} is missing.", "The session is incomplete.")
    for field in schema:
        expected = pa.string() if field.name == TEMPLATE else _all_fields().get(field.name)
        if schema.names.count(field.name) > 1:
            yield Finding("error", "columns", name, f"The column {field.name} is there twice.")
        elif expected is None:
            yield Finding("note", "columns", name, f"A column that this arirecord does not know: {field.name}.")
        elif field.type != expected:
            yield Finding("error", "columns", name, f"The column {field.name} is {field.type}, not {expected}.")


def is_readable(schema: pa.Schema) -> bool:
    """Return whether all the columns that every session has exist once, with their types."""
    return set(known_columns(schema)) >= _NEEDED


def is_as_sealed(path: Path, header: Header, schema: pa.Schema) -> bool:
    """Return whether this version sealed the file, and its columns are as they were."""
    if header.data_sha256 is None or header.arirecord != __version__:
        return False
    size = path.stat().st_size - parquet_file(path).metadata.serialized_size - _FOOTER
    return data_digest(path, size, schema, header.drift) == header.data_sha256


def known_columns(schema: pa.Schema) -> list[str]:
    """Return the correct columns: known, present once, and of the right type."""
    fields = _all_fields()
    return [f.name for f in schema if fields.get(f.name) == f.type and schema.names.count(f.name) == 1]


class Columns:
    """Computes the columns of one file's rows again and compares; a `Check` for one file."""

    def __init__(self, name: str, header: Header, schema: pa.Schema, *, is_quick: bool) -> None:
        self._name, self._header, self._is_quick = name, header, is_quick
        # Columns of another type, and unknown ones, have been reported already.
        self._schema = pa.schema([schema.field(name) for name in known_columns(schema)])
        self._drift = Drift()
        self._few, self._missing = Few(), Few()
        self._rows = self._compared = 0
        made_by = header.arirecord
        self._advice = (
            "`raw` is the truth: make the session again from the frames (`arirecord cat`, `arirecord import`)."
            if made_by == __version__
            else f"arirecord {made_by} sealed it, and this is {__version__}, whose catalogue may be another; "
            "`raw` is the truth."
        )

    def rows(self, batch: Batch) -> Iterator[Finding]:
        table = batch.table
        self._rows += table.num_rows
        if self._is_quick:
            table = table.slice(0, SAMPLE)
        self._compared += table.num_rows
        own = table.select(PROVED).combine_chunks().to_batches()[0]
        rows = Rows((), (), (), own["kind"].to_pylist(), own["raw"].to_pylist())
        drift = deepcopy(self._drift)
        try:
            anew = rows_to_table(rows, self._schema, drift, own)
        except UnforeseenColumns as unforeseen:
            extra = [f for f in session_schema(unforeseen.names) if f.name not in self._schema.names]
            drift = deepcopy(self._drift)
            anew = rows_to_table(rows, pa.schema([*self._schema, *extra]), drift, own)
            yield from self._unforeseen(batch, anew, [f.name for f in extra])
        self._drift = drift
        for name in self._schema.names:
            if name not in _FROM_ELSEWHERE and not table[name].equals(anew[name]):
                yield from self._differ(batch, name, table, anew)

    def _unforeseen(self, batch: Batch, anew: pa.Table, names: list[str]) -> Iterator[Finding]:
        for name in names:
            if anew[name].null_count < anew.num_rows:
                seq = anew["seq"].filter(pc.is_valid(anew[name]))[0].as_py()
                yield from self._missing.one(
                    Finding(
                        "error",
                        "columns",
                        batch.origin.at(seq),
                        f"The column {name} is missing, and the frame has a value for it.",
                        self._advice,
                    )
                )

    def _differ(self, batch: Batch, name: str, table: pa.Table, anew: pa.Table) -> Iterator[Finding]:
        stored, computed = table[name].to_pylist(), anew[name].to_pylist()
        for index, (old, new) in enumerate(zip(stored, computed, strict=True)):
            if old != new:
                yield from self._few.one(
                    Finding(
                        "error",
                        "columns",
                        batch.origin.at(table["seq"][index].as_py()),
                        f"{name} is {_short(old)}, and the frame says {_short(new)}.",
                        self._advice,
                    )
                )

    def end(self) -> Iterator[Finding]:
        yield from self._few.end()
        yield from self._missing.end()
        if self._is_quick and self._compared < self._rows:
            yield Finding(
                "note",
                "columns",
                self._name,
                f"Only {self._compared:,} of {self._rows:,} rows were compared with their frames.",
                "Without --quick all are.",
            )
        elif not self._is_same_drift(found := {what: dict(places) for what, places in self._drift.counts.items()}):
            yield Finding(
                "error",
                "header",
                self._name,
                f"Its header says of drift {_short(self._header.drift)}, the rows {_short(found)}.",
                self._advice,
            )

    def _is_same_drift(self, counted: Mapping[str, Mapping[str, int]]) -> bool:
        stated = self._header.drift
        if any("(elsewhere)" in places for places in stated.values()):
            # Beyond the limit, the separately counted places depend on the batches of rows.
            return {w: sum(p.values()) for w, p in stated.items()} == {w: sum(p.values()) for w, p in counted.items()}
        return stated == counted


def _short(value: Any) -> str:
    text = repr(value) if value is not None else "null"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
