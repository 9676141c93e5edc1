"""The rows of one file of a session, in order, with their text: the one place that knows how text is stored."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .templates import TEMPLATE, restore

__all__ = ["is_compact", "stored_batches"]

_RESTORE = 8192


def is_compact(schema: pa.Schema) -> bool:
    """Whether texts are kept as templates, and rows clustered within a row group."""
    return TEMPLATE in schema.names


def stored_batches(
    file: pq.ParquetFile, size: int, columns: Sequence[str], row_groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows in the order of `seq`, `size` at a time, with these columns, `raw` being the exact text.

    Of a compact session one row group at a time is held.
    """
    groups = list(range(file.num_row_groups)) if row_groups is None else list(row_groups)
    if not is_compact(file.schema_arrow):
        yield from file.iter_batches(size, row_groups=groups, columns=columns)
        return
    read = None if "raw" in columns else [*{*columns, "seq"}]
    for group in groups:
        table = file.read_row_group(group, columns=read)
        order = pc.sort_indices(table["seq"])
        for begin in range(0, len(order), _RESTORE):
            some = table.take(order.slice(begin, _RESTORE)).combine_chunks()
            if read is None:
                some = some.set_column(some.schema.get_field_index("raw"), "raw", restore(some))
            yield from some.select(columns).to_batches(max_chunksize=size)
