"""Write sessions as Parquet, and read row group statistics from the footer."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from .column_check import TEMPLATE
from .object_store import ObjectPath, stored_object

__all__ = [
    "COMPACT_ROW_GROUP", "ROW_GROUP", "GroupWriter", "column_bounds", "compact_writer", "parquet_file",
    "parquet_schema", "plain_schema", "session_writer",
]  # fmt: skip

ROW_GROUP = 122_880
COMPACT_ROW_GROUP = 122_880
"""A reader of a compact session holds one row group. Each of hundreds of columns takes 300 bytes of it, whatever it
holds: half this size would make a session a twentieth larger.
"""
_MAX_BYTES = 1 << 29
_LARGE_ROW = 1 << 14
"""A row group, which a reader holds, has half a gigabyte at most, of rows larger than this an eighth of it."""
_PAGE = 1 << 24
_LEVEL = 6
_COMPACT_LEVEL = 19
_RAW_LEVEL = 10
"""zstd levels, and bytes compressed together: frames repeat much earlier frames. Level 3 and Parquet's usual
pages of 1 MB make a session a fourth larger; higher values gain almost nothing.
"""
_SOUGHT = ("seq", "received_at", "elapsed_ns", "kind", "type", "timestamp", "channel_id", "peer_id", "bridge_id")
"""Columns with minimum and maximum, for fast searches; for all columns they would take a sixtieth of a session."""


def parquet_file(path: Path) -> pq.ParquetFile:
    """Open the file of this name. pyarrow expands a leading `~` and takes `s3:/x` for an address.

    Templates are read as codes: a hostile one is long and in every row.
    """
    if isinstance(path, ObjectPath):
        stored = stored_object(path)
        metadata = pq.read_metadata(pa.BufferReader(stored.footer))
        opened = partial(pq.ParquetFile, stored.file, pre_buffer=True)
    else:
        metadata, opened = None, partial(pq.ParquetFile, path.absolute())
    file = opened(metadata=metadata)
    if TEMPLATE not in file.schema_arrow.names:
        return file
    file.close()
    return opened(metadata=file.metadata, read_dictionary=[TEMPLATE])


def plain_schema(file: pq.ParquetFile) -> pa.Schema:
    """Return the columns of an open file; templates are texts.

    `file.metadata.schema` would be a reference cycle of a megabyte, which stays where no garbage is collected.
    """
    schema = file.schema_arrow.remove_metadata()
    place = schema.get_field_index(TEMPLATE)
    if place >= 0 and pa.types.is_dictionary(column := schema.field(place).type):
        schema = schema.set(place, pa.field(TEMPLATE, column.value_type))
    return schema


def parquet_schema(path: Path) -> pa.Schema:
    """Return the columns of a file, with its metadata."""
    with parquet_file(path) as file:
        return file.schema_arrow


def session_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Return a writer of sessions with these columns."""
    return pq.ParquetWriter(
        path.absolute(),
        schema,
        compression="zstd",
        compression_level={name: _RAW_LEVEL if name == "raw" else _LEVEL for name in _leaves(schema)},
        use_dictionary=[f.name for f in schema if pa.types.is_string(f.type) and f.name != "raw"],
        column_encoding=dict.fromkeys(("seq", "received_at", "elapsed_ns"), "DELTA_BINARY_PACKED"),
        data_page_size=_PAGE,
        write_statistics=[name for name in schema.names if name in _SOUGHT],
        version="2.6",
    )


def _leaves(schema: pa.Schema) -> list[str]:
    """Parquet's names of the columns."""
    return [f"{f.name}.list.element" if pa.types.is_list(f.type) else f.name for f in schema]


def compact_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Return a writer of compact sessions with these columns. Their rows are not in order of time."""
    return pq.ParquetWriter(
        path.absolute(),
        schema,
        compression="zstd",
        compression_level=_COMPACT_LEVEL,
        use_dictionary=[f.name for f in schema if pa.types.is_string(f.type) and f.name != "raw"],
        column_encoding=dict.fromkeys(("seq", "received_at", "elapsed_ns", "timestamp"), "BYTE_STREAM_SPLIT"),
        data_page_size=_PAGE,
        write_statistics=[name for name in schema.names if name in _SOUGHT],
        version="2.6",
    )


def column_bounds(metadata: pq.FileMetaData, column: str) -> Iterator[tuple[int, Any, Any]]:
    """Yield the number of each row group, with minimum and maximum of a column if the file has them."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            if chunk.path_in_schema == column:
                if chunk.statistics is not None and chunk.statistics.has_min_max:
                    yield number, chunk.statistics.min, chunk.statistics.max
                break


class GroupWriter:
    """Writes tables as row groups in its own thread, so that the next rows are read at the same time."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[pa.Table] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="arirecord-write")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown()

    def add(self, table: pa.Table) -> None:
        """Add a table; write a row group when there are enough rows. Raises the error of the previous write."""
        self._waiting.append(table)
        rows = sum(part.num_rows for part in self._waiting)
        size = sum(part.nbytes for part in self._waiting)
        if rows >= ROW_GROUP or size > min(_MAX_BYTES, max(rows * _LARGE_ROW, _MAX_BYTES >> 3)):
            self._begin()

    def flush(self) -> None:
        """Write the pending rows and wait. Raises the error of the write."""
        if self._waiting:
            self._begin()
        if self._writing is not None:
            self._writing.result()

    def _begin(self) -> None:
        if self._writing is not None:
            self._writing.result()
        table = pa.concat_tables(self._waiting)
        self._waiting = []
        self._writing = self._thread.submit(self._write, table)

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table, row_group_size=ROW_GROUP)
