"""Select the rows of one file of a session by kind, type, channel and time."""

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.asterisk.catalogue import channel_columns

from .parquet import column_bounds
from .stored_rows import stored_batches

__all__ = ["picked"]

_BATCH = 4096


def picked(
    file: pq.ParquetFile,
    started_ns: int,
    *,
    kinds: Collection[str] | None,
    types: Collection[str] | None,
    channel: str | None,
    since_ns: int | None,
    until_ns: int | None,
) -> Iterator[pa.RecordBatch]:
    """Yield the selected rows of a recording that started at `started_ns`, in order, in batches of some thousand.

    See `Session.frames` for the arguments.
    """
    names = _channel_filter(file.schema_arrow) if channel is not None else {}
    columns = ["seq", "elapsed_ns", "kind", "type", "application", "raw", *names]
    groups = _groups_within(file, started_ns, since_ns, until_ns)
    for batch in stored_batches(file, _BATCH, columns, groups):
        if since_ns is not None:
            batch = batch.filter(pc.greater_equal(batch["elapsed_ns"], _int64(since_ns - started_ns)))
        if until_ns is not None:
            batch = batch.filter(pc.less(batch["elapsed_ns"], _int64(until_ns - started_ns)))
        if kinds is not None:
            batch = batch.filter(pc.is_in(batch["kind"], pa.array(list(kinds), pa.string())))
        if types is not None:
            batch = batch.filter(pc.is_in(batch["type"], pa.array(list(types), pa.string())))
        if channel is not None and batch.num_rows:
            batch = batch.filter(_names_channel(batch, names, channel))
        if batch.num_rows:
            yield batch


def _channel_filter(schema: pa.Schema) -> dict[str, str]:
    """Columns that can have a channel, with the prefix of the channel's id in them."""
    names = {name: "" for field in ("id", "name") for name in channel_columns(field)}
    names |= {"playback_target_uri": "channel:", "recording_target_uri": "channel:"}
    return {name: prefix for name, prefix in names.items() if name in schema.names}


def _names_channel(batch: pa.RecordBatch, names: dict[str, str], channel: str) -> pa.Array:
    result = pa.array([False] * batch.num_rows)
    for name, prefix in names.items():
        result = pc.or_(result, pc.fill_null(pc.equal(batch[name], prefix + channel), False))
    return result


def _groups_within(file: pq.ParquetFile, started_ns: int, since_ns: int | None, until_ns: int | None) -> list[int]:
    """Return the row groups that can have rows of this time."""
    outside = {
        number
        for number, low, high in column_bounds(file.metadata, "elapsed_ns")
        if (since_ns is not None and started_ns + high < since_ns)
        or (until_ns is not None and started_ns + low >= until_ns)
    }
    return [number for number in range(file.num_row_groups) if number not in outside]


def _int64(value: int) -> int:
    """Return the nearest number that a column can hold: a time can be thousands of years away."""
    return max(-(1 << 63), min(value, (1 << 63) - 1))
