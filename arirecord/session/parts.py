"""The files of a session: header, columns and rows of each, read from its footer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from arirecord.errors import NotASession, is_out_of_memory

from .column_check import check_columns, check_nulls
from .header import KEY, Header
from .object_store import ObjectPath, stored_object
from .parquet import column_bounds, parquet_file, plain_schema
from .recorded_time import Extent

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["Part", "in_order_of_time", "open_part", "read_part"]


@dataclass(frozen=True)
class Part:
    """One Parquet file of a session. Without rows `extent` has the value None."""

    path: Path
    header: Header
    schema: pa.Schema
    extent: Extent | None


def open_part(path: Path) -> Part:
    """Read the footer of one file of a session, and check its columns. Raises as `read_part` does."""
    part, file = _read(path)
    try:
        check_columns(part.schema, part.header.types)
        check_nulls(file)
    except NotASession as error:
        raise NotASession(f"{path} can't be read: {error}. Run `arirecord doctor {path}`") from None
    return part


def read_part(path: Path) -> Part:
    """Read the footer of one file of a session, without a check of its columns.

    Raises `NotASession` with the file and the fault, and `FileNotFoundError`.
    """
    return _read(path)[0]


def _read(path: Path) -> "tuple[Part, pq.ParquetFile]":
    if isinstance(path, ObjectPath):
        stored_object(path, is_fresh=True)
    elif not path.is_file():
        from .unreadable import missing_session

        raise missing_session(path)
    try:
        metadata = (file := parquet_file(path)).metadata
        text, schema = (metadata.metadata or {}).get(KEY), plain_schema(file)
        seqs = [seq for _, *low_and_high in column_bounds(metadata, "seq") for seq in low_and_high]
    except FileNotFoundError:  # it was there a moment ago: a part of a lake can be merged with others
        raise
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise
        from .unreadable import not_a_session

        raise not_a_session(path, next(iter(str(error).splitlines()), "its end is missing.")) from error
    if text is None:
        raise NotASession(f"{path} is a Parquet file, but not an arirecord session")
    try:
        header = Header.load(text)
    except NotASession as error:
        raise NotASession(f"{path} can't be read: {error}") from None
    begin_ns = header.started_ns + header.first_elapsed_ns
    first_seq, last_seq = min(seqs, default=0), max(seqs, default=metadata.num_rows - 1)
    if header.seq_range is not None:
        first_seq, last_seq = header.seq_range
    extent = Extent(header.started_ns, first_seq, last_seq, begin_ns, begin_ns + header.duration_ns)
    return Part(path, header, schema, extent if metadata.num_rows else None), file


def in_order_of_time(parts: Iterable[Part]) -> Sequence[Part]:
    """Parts in the order of the times at which they begin; of one time, in the order of their names."""
    return sorted(parts, key=lambda part: (part.header.started_ns + part.header.first_elapsed_ns, part.path))
