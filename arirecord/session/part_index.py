"""The index of a lake: what the footers of its parts say, in one file, so that thousands of parts open at once.

A cache: an entry counts only for a file of the size and the time of modification that it names.
"""

import io
import logging
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from arirecord.errors import NotASession

from .folder_files import LAKE_EVENTS
from .header import Header
from .output_file import write_whole
from .parts import Part
from .recorded_time import Extent

__all__ = ["forget_index", "known_part", "write_index"]

_NAME = ".parts.parquet"
_COLUMNS = ("path", "size", "modified_ns", "header", "columns", "extent")
_TICK_NS = 20_000_000
"""The time of a change is the system's last tick, at most 10 ms ago."""
_log = logging.getLogger(__name__)


class _Entry(NamedTuple):
    size: int
    modified_ns: int
    header: bytes
    schema: pa.Schema
    extent: list[int] | None


def known_part(path: Path) -> Part | None:
    """Return a part of a lake as `open_part` does, from the index; None if the index does not have it.

    The index is read once in a process. Raises `FileNotFoundError` if the part is gone.
    """
    if len(path.parents) < 4 or path.parents[2].name != LAKE_EVENTS:
        return None
    entry = _entries(path.parents[3]).get(_place(path))
    if entry is None:
        return None
    status = path.stat()
    if (status.st_size, status.st_mtime_ns) != (entry.size, entry.modified_ns):
        return None
    try:
        return Part(path, Header.load(entry.header), entry.schema, Extent(*entry.extent) if entry.extent else None)
    except (NotASession, TypeError):
        return None


def write_index(root: Path, parts: Iterable[Part], opened_ns: int) -> None:
    """Replace the index of a lake. parts: those of the lake, opened after `opened_ns`, nanoseconds since 1970 UTC.

    A part that changed since is left out.
    """
    schemas: list[pa.Schema] = []
    rows: list[tuple[object, ...]] = []
    for part in parts:
        try:
            status = part.path.stat()
        except FileNotFoundError:  # merged with others meanwhile
            continue
        if status.st_ctime_ns > opened_ns - _TICK_NS:
            continue
        if part.schema not in schemas:
            schemas.append(part.schema)
        number = schemas.index(part.schema)
        rows.append((_place(part.path), status.st_size, status.st_mtime_ns, part.header.dump(), number, part.extent))
    if not rows:
        forget_index(root)
        return
    path, size, modified_ns, header, numbers, extent = map(pa.array, zip(*rows, strict=True))
    columns = pa.DictionaryArray.from_arrays(numbers, [schema.serialize().to_pybytes() for schema in schemas])
    table = pa.table([path, size, modified_ns, header, columns, extent], _COLUMNS)
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    write_whole(root / _NAME, content.getvalue())
    _entries.cache_clear()


def forget_index(root: Path) -> None:
    """Remove the index of a lake, which has the headers of parts that are removed or rewritten."""
    (root / _NAME).unlink(missing_ok=True)
    _entries.cache_clear()


def _place(path: Path) -> str:
    return "/".join(path.parts[-3:])


@cache
def _entries(root: Path) -> Mapping[str, _Entry]:
    """Return the entries of an index by the places of their parts in the lake."""
    try:
        table = pq.read_table(pa.BufferReader((root / _NAME).read_bytes()))
        columns = table["columns"].unify_dictionaries().combine_chunks()
        schemas = [pa.ipc.read_schema(pa.py_buffer(text)) for text in columns.dictionary.to_pylist()]
        places, sizes, times, headers, extents = (
            table[name].to_pylist() for name in ("path", "size", "modified_ns", "header", "extent")
        )
        schema = [schemas[number] for number in columns.indices.to_pylist()]
        return dict(zip(places, map(_Entry, sizes, times, headers, schema, extents), strict=True))
    except FileNotFoundError:
        return {}
    except (pa.ArrowException, OSError, LookupError, AttributeError, TypeError, ValueError) as error:
        _log.warning("the index of %s is not used: %s", root, error)
        return {}
