"""The files of a folder: sessions and journals, and what is only named as one."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["session_files", "true_files"]

_log = logging.getLogger(__name__)


def session_files(folder: Path) -> Sequence[Path]:
    """Return the `.parquet` files in a folder at any depth, in the order of their names, without hidden ones."""
    return list(true_files(sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith("."))))


def true_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths that are files. Pipes, sockets, devices, which may never end, and broken links are logged."""
    for path in paths:
        if path.is_file():
            yield path
        elif not path.is_dir():
            _log.warning("%r is not a file: passed over", str(path))
