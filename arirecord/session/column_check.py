"""The columns of a session as they must be, checked at opening."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from arirecord.asterisk.catalogue import ColumnType, all_columns, columns_of, event_types
from arirecord.errors import NotASession

from .rows import OWN_COLUMNS

__all__ = ["ARROW", "LEADING", "TEMPLATE", "check_columns", "check_nulls"]

_MS = pa.timestamp("ms")
ARROW: dict[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": _MS,
    "strings": pa.list_(pa.field("item", pa.string())),
    "json": pa.string(),
}
LEADING = pa.schema(
    [
        ("seq", pa.int64()),
        ("received_at", pa.timestamp("us")),
        ("elapsed_ns", pa.int64()),
        ("kind", pa.string()),
        ("type", pa.string()),
        ("application", pa.string()),
        ("asterisk_id", pa.string()),
        ("timestamp", _MS),
    ]
)
TEMPLATE = "raw_template"
"""The column of a compact session that holds the templates; null where `raw` has the text."""
_FILLED = ("seq", "received_at", "elapsed_ns", "kind")
"""Columns that have a value in every row."""
_BATCH = 1 << 16


def check_columns(schema: pa.Schema, types: Iterable[str]) -> None:
    """Raise `NotASession` if a column is missing, there twice, or of another type than the format says.

    types: event types of the header. Columns that the catalogue does not know may have any type.
    """
    for name, count in Counter(schema.names).items():
        if count > 1:
            raise NotASession(f"it has the column {name} {count} times")
    for name in (*LEADING.names, "extra", "raw"):
        if name not in schema.names:
            raise NotASession(f"it has no column {name}")
    expected: dict[str, pa.DataType] = {field.name: field.type for field in LEADING}
    expected |= dict.fromkeys(("extra", "raw", TEMPLATE), pa.string())
    for columns in OWN_COLUMNS.values():
        expected |= {name: ARROW[column_type] for name, column_type in columns.items()}
    for known in set(types) & set(event_types()):
        expected |= {column.name: ARROW[column.type] for column in columns_of(known)}
    for field in schema:
        want = expected.get(field.name) or _catalogued(field.name)
        if want is not None and field.type != want:
            raise NotASession(f"its column {field.name} is {field.type}, not {want}")


def _catalogued(name: str) -> pa.DataType | None:
    """Return the type of a column of any event type. To make them all takes as long as opening a session."""
    column_type = all_columns().get(name)
    return ARROW[column_type] if column_type else None


def check_nulls(file: pq.ParquetFile) -> None:
    """Raise `NotASession` if a row lacks its number, its times or its kind."""
    for name in _FILLED:
        counts = list(_null_counts(file.metadata, name))
        if None in counts:  # a file without statistics, which arirecord does not write
            counts = [batch[name].null_count for batch in file.iter_batches(_BATCH, columns=[name])]
        if any(counts):
            raise NotASession(f"it has rows without {name}")


def _null_counts(metadata: pq.FileMetaData, name: str) -> Iterator[int | None]:
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        place = next(place for place in range(group.num_columns) if group.column(place).path_in_schema == name)
        statistics = group.column(place).statistics
        yield statistics.null_count if statistics is not None and statistics.has_null_count else None
