"""The tasks of `build_tables`: each reads files, writes files that are named by their version, and can be repeated."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arirecord.analytics.kept_tables import KEPT_MODELS
from arirecord.session.object_store import ObjectPath, location

from .shard import Shard, compute_shard
from .window_links import LINKS_TABLE, scan_links
from .windows import LakeWindow

__all__ = ["LinksTask", "ShardTask", "has_files", "links_file", "run_links", "run_shard", "table_file"]


@dataclass(frozen=True)
class LinksTask:
    """Find the links of a window. folder, version: where the result is, as in `KeptWindow`."""

    tables: str
    folder: str
    version: str
    window: LakeWindow


@dataclass(frozen=True)
class ShardTask:
    """Compute the kept tables of a window."""

    tables: str
    folder: str
    version: str
    shard: Shard


def table_file(tables: Path, model: str, folder: str, version: str) -> Path:
    """Return the file of a kept table of one window."""
    return tables / model / folder / f"{version}.parquet"


def links_file(tables: Path, folder: str, version: str) -> Path:
    """Return the file with the links of one window."""
    return table_file(tables, LINKS_TABLE, folder, version)


def has_files(existing: Collection[Path], tables: Path, folder: str, version: str) -> bool:
    """Whether all kept tables of a version of a window are among the existing files."""
    return all(table_file(tables, model, folder, version) in existing for model in KEPT_MODELS)


def run_links(task: LinksTask) -> int:
    """Find and write the links of a window; return the number of rows."""
    rows = scan_links(task.window)
    _write(rows, links_file(location(task.tables), task.folder, task.version))
    return int(rows.num_rows)


def run_shard(task: ShardTask) -> int:
    """Compute and write the kept tables of a window; return the number of rows. Raises `ShardError`."""
    tables = compute_shard(task.shard)
    for model, rows in tables.items():
        _write(rows, table_file(location(task.tables), model, task.folder, task.version))
    return sum(rows.num_rows for rows in tables.values())


def _write(rows: pa.Table, path: Path) -> None:
    """Write a file under a hidden name first: a reader never sees a part of it."""
    if isinstance(path, ObjectPath):
        buffer = pa.BufferOutputStream()
        pq.write_table(rows, buffer, compression="zstd")
        path.write_bytes(buffer.getvalue())
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(rows, temporary, compression="zstd")
    temporary.replace(path)
