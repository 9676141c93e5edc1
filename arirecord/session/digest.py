"""Proof that a session has the content of its journal: digests of both, made while each is read from the disk."""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["PROVED", "RowDigest"]

PROVED = ("seq", "received_at", "elapsed_ns", "kind", "raw")
"""The columns of a session that can't be computed from any other."""


class RowDigest:
    """A digest of rows: two digests are equal if and only if the rows are, whatever their batches."""

    def __init__(self) -> None:
        self.rows = 0
        # A stream for each column, and one for the lengths of the texts: "ab", "c" is not "a", "bc".
        self._streams = {name: hashlib.sha256() for name in (*PROVED, "kind lengths", "raw lengths")}

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the next rows: the columns `PROVED`."""
        self.rows += batch.num_rows
        for name in ("seq", "received_at", "elapsed_ns"):
            self._streams[name].update(_values(batch[name].cast(pa.int64())))
        for name in ("kind", "raw"):
            values = batch[name]
            _, offsets, data = values.buffers()
            if len(values) and data is not None:
                begin, *_, end = memoryview(offsets).cast("i")[values.offset : values.offset + len(values) + 1]
                self._streams[name].update(memoryview(data)[begin:end])
            self._streams[f"{name} lengths"].update(_values(pc.binary_length(values)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RowDigest):
            return NotImplemented
        mine, others = ({name: s.digest() for name, s in proof._streams.items()} for proof in (self, other))
        return self.rows == other.rows and mine == others

    __hash__ = None  # type: ignore[assignment]  # it changes


def _values(values: pa.Array) -> memoryview:
    """Return the numbers as bytes. A null, which no row of a journal has, changes them."""
    if values.null_count:
        return memoryview(b"null")
    width = values.type.bit_width // 8
    return memoryview(values.buffers()[1])[values.offset * width : (values.offset + len(values)) * width]
