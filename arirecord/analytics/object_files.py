"""DuckDB reads objects of a store through `pyarrow.fs`, with no extension: a file system as fsspec defines it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import local
from typing import Any, Self

import duckdb

from arirecord.session.object_store import ObjectPath, StoredObject, stored_object

__all__ = ["register_object_files"]


def register_object_files(connection: duckdb.DuckDBPyConnection, paths: Iterable[Path]) -> None:
    """Let statements of a connection read `s3://…`, if one of the paths is such."""
    if any(isinstance(path, ObjectPath) for path in paths):
        from fsspec import AbstractFileSystem  # for such sessions only

        class ObjectFileSystem(_ObjectFiles, AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
            """The files as DuckDB takes them."""

        connection.register_filesystem(ObjectFileSystem())


class _ObjectFile:
    """An object as a file for reading. DuckDB's threads share it, so each thread has a position of its own."""

    mode = "rb"

    def __init__(self, stored: StoredObject) -> None:
        self._stored, self._here = stored, local()
        self.size, self.path = stored.size, str(stored.path)
        _ = stored.footer  # it is read at once, and kept

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position of this thread, and return it."""
        self._here.at = {0: 0, 1: self.tell(), 2: self.size}[whence] + offset
        return int(self._here.at)

    def tell(self) -> int:
        """Return the position of this thread."""
        return int(getattr(self._here, "at", 0))

    def read(self, count: int = -1) -> bytes:
        """Read from the position of this thread; one request at most."""
        begin = self.tell()
        data = self._stored.read_at(begin, self.size if count < 0 else count)
        self._here.at = begin + len(data)
        return data

    def close(self) -> None:
        """Do nothing: DuckDB opens the file again for the next statement."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class _ObjectFiles:
    """The file system `s3` that DuckDB asks. It reads only, and takes no path for a pattern."""

    protocol = "s3"
    cachable = False

    def open(self, path: str, mode: str = "rb", **options: Any) -> _ObjectFile:
        if mode != "rb":
            raise OSError(f"{path} can't be written by SQL")
        return _ObjectFile(stored_object(ObjectPath(_full(path))))

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        stored = stored_object(ObjectPath(_full(path)))
        return {"name": _full(path), "size": stored.size, "type": "file"}

    def exists(self, path: str, **options: Any) -> bool:
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def isfile(self, path: str) -> bool:
        return self.exists(path)

    def modified(self, path: str) -> datetime:
        return datetime(2000, 1, 1, tzinfo=UTC)  # an object that this process has open does not change

    def glob(self, path: str, **options: Any) -> list[str]:
        return [_full(path)]


def _full(path: str) -> str:
    return path if path.startswith("s3:") else f"s3://{path}"
