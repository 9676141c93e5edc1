"""Read the rows of one file of a session, in order, with their text. Only this module knows how text is stored."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.errors import NotASession, is_out_of_memory

from .column_check import TEMPLATE
from .parquet import parquet_file
from .raw_templates import columns_of_templates, restore

__all__ = ["grouped_batches", "is_compact", "opened", "stored_batches"]

_RESTORE = 8192


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file of a session for reading. Raises `NotASession` with its name if it is damaged."""
    with parquet_file(path) as file:
        try:
            yield file
        except (pa.ArrowException, OSError) as error:
            if is_out_of_memory(error) or (isinstance(error, OSError) and error.errno is not None):
                raise  # the machine's, not the file's
            reason = next(iter(str(error).splitlines()), "it can't be read")
            raise NotASession(f"{path} is damaged: {reason}. Run `arirecord doctor {path}` to see where") from error


def is_compact(schema: pa.Schema) -> bool:
    """Return whether texts are stored as templates, and rows clustered within a row group."""
    return TEMPLATE in schema.names


def grouped_batches(
    file: pq.ParquetFile,
    size: int,
    columns: Sequence[str],
    row_groups: Sequence[int] | None = None,
    *,
    use_threads: bool = True,
) -> Iterator[pa.RecordBatch]:
    """Yield rows as they are stored, `size` at a time within each row group.

    Row groups are requested one by one: otherwise pyarrow keeps part of each until the end, 13 MB a million rows.
    """
    for group in range(file.num_row_groups) if row_groups is None else row_groups:
        yield from file.iter_batches(size, row_groups=[group], columns=columns, use_threads=use_threads)


def stored_batches(
    file: pq.ParquetFile,
    size: int,
    columns: Sequence[str],
    row_groups: Sequence[int] | None = None,
    *,
    has_nulls: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Yield rows in the order of `seq`, `size` at a time, with these columns and the exact text in `raw`.

    has_nulls: rows without text are yielded too. Otherwise they raise `pyarrow.ArrowInvalid`.

    For a compact session one row group at a time is in memory.
    """
    groups = list(range(file.num_row_groups)) if row_groups is None else list(row_groups)
    if not is_compact(file.schema_arrow):
        batches = grouped_batches(file, size, columns, groups, use_threads=False)
    else:
        batches = chain.from_iterable(_in_order(file, group, size, columns) for group in groups)
    for batch in batches:
        if not has_nulls and "raw" in columns and batch["raw"].null_count:
            raise pa.ArrowInvalid("a row has no text")
        yield batch


def _in_order(file: pq.ParquetFile, group: int, size: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a row group of a compact session."""
    read = {*columns, "seq"}
    templates = None
    if "raw" in columns:
        # As codes: the texts would be the largest column of all.
        templates = file.read_row_group(group, columns=[TEMPLATE])[TEMPLATE].combine_chunks()
        read |= columns_of_templates(templates.dictionary.to_pylist())
    table = file.read_row_group(group, columns=[name for name in file.schema_arrow.names if name in read])
    if templates is not None:
        table = table.append_column(TEMPLATE, templates)
    order = pc.sort_indices(table["seq"])
    begin, count = 0, _RESTORE
    while begin < len(order):
        some = table.take(order.slice(begin, count)).combine_chunks()
        try:
            if templates is not None:
                some = some.set_column(some.schema.get_field_index("raw"), "raw", restore(some))
        except NotASession as error:
            if count == 1:
                raise pa.ArrowInvalid(str(error)) from None
            count = max(count // 8, 1)
            continue
        yield from some.select(columns).to_batches(max_chunksize=size)
        begin += count
