"""Rows as an Arrow table: the columns of a session.

The fast path (`fast_path.py`) refuses frames that differ from the catalogue. These take the exact path
(`asterisk/flatten_events.py`), one by one. Both give the same values.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import all_columns, columns_of, event_types
from arirecord.asterisk.flatten_events import Flat, flatten, flatten_as
from arirecord.session.column_check import ARROW, LEADING
from arirecord.session.digest import PROVED
from arirecord.session.header import Drift
from arirecord.session.rows import OWN_COLUMNS, TEXT, Row, Rows

from .fast_path import quick
from .residuals import nulls

__all__ = ["UnforeseenColumns", "own_columns", "parse_batch", "rows_to_table", "session_schema"]


class UnforeseenColumns(Exception):
    """Rows have event types or kinds that the schema lacks: make it again with `names` added."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(names)
        self.names = names


def session_schema(names: Iterable[str]) -> pa.Schema:
    """Return the schema of a session with these event types and kinds of other rows. Unknown names are ignored."""
    columns: dict[str, pa.DataType] = {}
    for name in names:
        if name in event_types():
            columns.update((column.name, ARROW[column.type]) for column in columns_of(name))
        for column, column_type in OWN_COLUMNS.get(name, {}).items():
            columns[column] = ARROW[column_type]
    flattened = [pa.field(name, column_type) for name, column_type in sorted(columns.items())]
    return pa.schema([*LEADING, *flattened, pa.field("extra", pa.string()), pa.field("raw", pa.string())])


def own_columns(rows: Rows) -> pa.RecordBatch:
    """Columns that do not come from the text of the rows."""
    return pa.RecordBatch.from_pydict(
        {
            "seq": pa.array(rows.seqs, pa.int64()),
            "received_at": pc.divide(pa.array(rows.received_ns, pa.int64()), 1000).cast(pa.timestamp("us")),
            "elapsed_ns": pa.array(rows.elapsed_ns, pa.int64()),
            "kind": pa.array(rows.kinds, pa.string()),
            "raw": pa.array(rows.raws, pa.string()),
        }
    )


def rows_to_table(
    rows: Sequence[Row] | Rows, schema: pa.Schema, drift: Drift, own: pa.RecordBatch | None = None
) -> pa.Table:
    """Return the rows, in order, with the columns of `schema`; count drift in `drift`.

    own: columns of the rows that are already known.

    Raises `UnforeseenColumns` if a row has a column that `schema` lacks.
    """
    if not isinstance(rows, Rows):
        rows = Rows.of(rows)
    raws = rows.raws
    if set(rows.kinds) != {"event"}:
        raws = [raw if kind == "event" else "" for kind, raw in zip(rows.kinds, raws, strict=True)]
    flattened, refused = quick(raws)
    columns = dict(zip(flattened.column_names, flattened.columns, strict=True))
    if refused:
        _fill(columns, refused, _one_by_one([(rows.kinds[i], rows.raws[i]) for i in refused], drift))
    if unforeseen := columns.keys() - set(schema.names):
        raise UnforeseenColumns(_names_with(unforeseen))
    own = own_columns(rows) if own is None else own
    columns |= dict(zip(own.schema.names, own.columns, strict=True))
    arrays = [columns[f.name] if f.name in columns else nulls(f.type, len(rows)) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def parse_batch(batch: pa.RecordBatch, schema: pa.Schema, drift: Drift) -> pa.Table:
    """Return rows, given with the columns `PROVED`, with the columns of `schema`, from their text."""
    own = batch.select(PROVED)
    return rows_to_table(Rows((), (), (), own["kind"].to_pylist(), own["raw"].to_pylist()), schema, drift, own)


def _fill(columns: dict[str, pa.ChunkedArray], indices: Sequence[int], values: pa.Table) -> None:
    """Insert the rows of `values` at `indices`, where `columns` are null."""
    count = len(columns["type"])
    places: list[int | None] = [None] * count
    for place, index in enumerate(indices):
        places[index] = place
    spread = values.take(pa.array(places, pa.int64()))
    for name in spread.column_names:
        columns[name] = pc.coalesce(columns[name], spread[name]) if name in columns else spread[name]


def _names_with(columns: set[str]) -> set[str]:
    names = {t for t in event_types() if any(c.name in columns for c in columns_of(t))}
    return names | {kind for kind, own in OWN_COLUMNS.items() if columns & own.keys()}


def _one_by_one(rows: Sequence[tuple[str, str]], drift: Drift) -> pa.Table:
    """Flattened columns of rows given as kind and text."""
    columns: dict[str, list[object]] = {"type": [None] * len(rows), "extra": [None] * len(rows)}
    for index, (kind, raw) in enumerate(rows):
        if kind == "event":
            flat = flatten(raw)
        elif kind in OWN_COLUMNS:
            flat = flatten_as(raw, OWN_COLUMNS[kind], kind)
        elif kind == TEXT:
            flat = Flat()
        else:
            flat = Flat(drift=[("not text" if kind == "binary" else "unknown kind", kind)])
        drift.add(flat.drift)
        for name, value in {**flat.columns, "extra": flat.extra}.items():
            if name not in columns:
                columns[name] = [None] * len(rows)
            columns[name][index] = value
    return pa.table({name: pa.array(values, _type_of(name)) for name, values in columns.items()})


@cache
def _type_of(name: str) -> pa.DataType:
    if name in LEADING.names:
        return LEADING.field(name).type
    if name in ("extra", "raw"):
        return pa.string()
    return ARROW[next(columns[name] for columns in (all_columns(), *OWN_COLUMNS.values()) if name in columns)]
