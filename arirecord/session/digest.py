"""Proofs that a session has the content of its journal, and that its file is as it was sealed: digests."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["PROVED", "RowDigest", "data_digest"]

_CHUNK = 1 << 20

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

    def hexdigest(self) -> str:
        """Return one digest of all rows."""
        digests = [stream.hexdigest() for stream in self._streams.values()]
        return hashlib.sha256(f"{self.rows} {digests}".encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RowDigest):
            return NotImplemented
        mine, others = ({name: s.digest() for name, s in proof._streams.items()} for proof in (self, other))
        return self.rows == other.rows and mine == others

    __hash__ = None  # type: ignore[assignment]  # it changes


def data_digest(path: Path, size: int, schema: pa.Schema, drift: Mapping[str, Mapping[str, int]]) -> str:
    """Return the digest of the first `size` bytes of a file, which are its row groups, of its columns and its drift."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (data := file.read(min(_CHUNK, size))):
            digest.update(data)
            size -= len(data)
    for field in schema:
        # A file does not keep the name that Arrow gives to the items of a list.
        field_type = f"list {field.type.value_type}" if pa.types.is_list(field.type) else field.type
        digest.update(f"{field.name} {field_type}\n".encode())
    digest.update(orjson.dumps(drift, option=orjson.OPT_SORT_KEYS))
    return digest.hexdigest()


def _values(values: pa.Array) -> memoryview:
    """Return the numbers as bytes. A null, which no row of a journal has, changes them."""
    if values.null_count:
        return memoryview(b"null")
    width = values.type.bit_width // 8
    return memoryview(values.buffers()[1])[values.offset * width : (values.offset + len(values)) * width]
