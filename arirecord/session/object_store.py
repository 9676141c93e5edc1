"""Object storage: `s3://bucket/key` as a path, over `pyarrow.fs`.

Credentials, region and endpoint come from where other AWS programs take them: the environment, profile files, the role
of a machine; `AWS_ENDPOINT_URL` names another store than AWS.
"""

import glob
import os
import re
import stat
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path, PosixPath
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Self

from arirecord.errors import ArirecordError, StorageError

if TYPE_CHECKING:
    import pyarrow.fs as pafs

__all__ = ["ObjectPath", "StoredObject", "file_system", "location", "missing_object", "store_errors", "stored_object"]

_SCHEME = re.compile(r"s3:/+", re.IGNORECASE)
_TAIL, _MOST_TAIL, _TAIL_PART = 1 << 17, 1 << 21, 50
"""Bytes at the end of an object that are read at once, least and most; and which part of it: the footer of a part of a
lake fits into the least if it has one row group, and is a sixtieth of a large part.
"""
_CHUNK = 1 << 22
_ADVICE = {
    "ACCESS_DENIED": "access is denied. Check the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE) and their rights",
    "INVALID_ACCESS_KEY_ID": "the access key is unknown. Check the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE)",
    "SIGNATURE_DOES_NOT_MATCH": "the secret key is wrong. Check the credentials (AWS_SECRET_ACCESS_KEY, AWS_PROFILE)",
    "NETWORK_CONNECTION": "the store can't be reached ({why}). Check AWS_ENDPOINT_URL, AWS_REGION and the network",
    "NO_SUCH_BUCKET": "the bucket does not exist",
}
"""Messages for the errors of a store, by their names in the AWS SDK."""


def location(path: str | Path) -> Path:
    """Return a path: an `ObjectPath` for `s3://…`, otherwise one of the file system.

    `pathlib` makes `s3:/…` of it, which is a path of the file system if it exists there.
    """
    scheme = _SCHEME.match(str(path))
    if scheme is None or (scheme[0].endswith(":/") and (isinstance(path, str) or os.path.lexists(path))):
        return Path(path)
    return ObjectPath(f"s3://{str(path)[scheme.end() :]}")


class ObjectPath(PosixPath):
    """An object, or all objects with a prefix, as a file or a folder. Methods that are not defined here fail.

    Objects are written as a whole, and seen when they are complete: see `upload`. Folders need not be made. An object
    that is listed keeps its size and time.
    """

    _listed: "pafs.FileInfo | None" = None

    def __str__(self) -> str:
        return f"s3://{self.key}"

    def __fspath__(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"ObjectPath({str(self)!r})"

    @property
    def key(self) -> str:
        """Bucket and key, as `pyarrow.fs` names an object."""
        return "/".join(self.parts[1:])

    @property
    def info(self) -> "pafs.FileInfo":
        """Type, size and time of the object; as listed, or one request."""
        if self._listed is not None:
            return self._listed
        with store_errors(self):
            return file_system().get_file_info(self.key)

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether there is an object with this key, or with this prefix, now."""
        self._listed = None
        return bool(self.info.type)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is an object: one request, also if it is missing."""
        if self._listed is not None:
            return bool(self._listed.is_file)
        if len(self.parts) < 3:  # a bucket
            return False
        with store_errors(self):
            try:
                file_system().open_input_file(self.key)
            except FileNotFoundError:
                return False
        return True

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether there are objects with this prefix."""
        return bool(self.info.type.name == "Directory")

    def is_symlink(self) -> bool:
        """Return False."""
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return size and time of modification. Raises `FileNotFoundError`."""
        info = self.info
        if not info.type:
            raise FileNotFoundError(f"{self} does not exist")
        mode, time_ns = stat.S_IFREG if info.is_file else stat.S_IFDIR, int(info.mtime_ns or 0)
        times = (time_ns // 10**9,) * 3
        further = {"st_mtime_ns": time_ns, "st_ctime_ns": time_ns}
        return os.stat_result((mode | 0o600, 0, 0, 1, 0, 0, info.size or 0, *times), further)

    def absolute(self) -> Self:
        """Return this path."""
        return self

    def resolve(self, strict: bool = False) -> Self:
        """Return this path."""
        return self

    def relative_to(self, *other: str | os.PathLike[str], **options: Any) -> Path:  # type: ignore[override]
        """Return the path from a folder to this one, of no scheme."""
        return PosixPath(*super().relative_to(*other, **options).parts)

    def samefile(self, other_path: str | os.PathLike[str]) -> bool:
        """Return whether the other path is the same."""
        return str(self) == str(other_path)

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a store has no folders."""

    def rmdir(self) -> None:
        """Do nothing."""

    def iterdir(self) -> Generator[Self, None, None]:
        """Yield what is directly in the folder."""
        return self._list(is_deep=False)

    def rglob(self, pattern: str, **options: Any) -> Generator[Self, None, None]:
        """Yield the objects with this prefix whose names match a pattern."""
        for path in self._list(is_deep=True):
            if path.is_file() and fnmatchcase(path.name, pattern):
                yield path

    def glob(self, pattern: str, **options: Any) -> Generator[Self, None, None]:
        """Yield what matches a pattern below this prefix, in the order of keys."""
        patterns, known = pattern.split("/"), len(self.parts)
        for path in self._list(is_deep=True):
            if _fits(path.parts[known:], patterns):
                yield path

    def matches(self) -> Iterator[Self]:
        """Yield what matches this path as a pattern, as `glob.glob` does, in the order of keys."""
        fixed = next((n for n, part in enumerate(self.parts) if glob.has_magic(part)), len(self.parts))
        return type(self)(*self.parts[:fixed]).glob("/".join(self.parts[fixed:]))

    def open(self, mode: str = "r", *args: Any, **options: Any) -> IO[Any]:  # type: ignore[override]
        """Open the object for reading in binary. Raises `FileNotFoundError`, and `StorageError` for another mode."""
        if mode != "rb":
            raise StorageError(f"{self} can't be written piece by piece: write a file and copy it")
        with store_errors(self):
            return file_system().open_input_file(self.key)  # type: ignore[no-any-return]

    def read_bytes(self) -> bytes:
        """Return the whole object."""
        with self.open("rb") as file, store_errors(self):
            return bytes(file.read())

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the object."""
        try:
            with store_errors(self):
                file_system().delete_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise
        _forget(self)

    def upload(self, source: Path) -> None:
        """Make a file of this machine the object, and read it back. A reader sees the old one or the new one.

        Raises `StorageError` if that fails, and `OSError` if the file cannot be read.
        """
        import pyarrow as pa

        with pa.memory_map(str(source)) as file, store_errors(self):
            content = file.read_buffer()
            view = memoryview(content).cast("B")
            with file_system().open_output_stream(self.key) as stream:
                stream.write(content)  # at once: leaving the block would complete an object that lacks something
            _forget(self)
            with file_system().open_input_stream(self.key) as stream:
                is_same = all(
                    stream.read(_CHUNK) == view[begin : begin + _CHUNK] for begin in range(0, content.size + 1, _CHUNK)
                )
        if not is_same:
            raise StorageError(f"{self} is not what was uploaded: run the same command again")

    def write_bytes(self, data: Any) -> int:
        """Make `data` the object, in one step for readers."""
        from .temporary_folder import new_path

        temporary = new_path(self.name)
        try:
            size = temporary.write_bytes(data)
            self.upload(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        return size

    def _list(self, *, is_deep: bool) -> Generator[Self, None, None]:
        """Yield what has this prefix, with sizes and times, in the order of keys: a request for a thousand objects."""
        from pyarrow.fs import FileSelector

        with store_errors(self):
            found = file_system().get_file_info(FileSelector(self.key, allow_not_found=True, recursive=is_deep))
        for info in sorted(found, key=lambda info: info.path):
            path = type(self)(f"s3://{info.path}")
            path._listed = info
            yield path


class StoredObject:
    """An object that is read in pieces, also by several threads: its end is read once and kept."""

    def __init__(self, path: ObjectPath) -> None:
        self.path = path
        with store_errors(path):
            self.file = file_system().open_input_file(path.key)
            self.size = int(self.file.size())
            self.tag = self.file.metadata().get("ETag")
        _buckets.add(path.parts[1])
        self._lock = Lock()
        self._tail = b""

    def read_at(self, begin: int, count: int) -> bytes:
        """Return bytes of the object, fewer at its end. The end of a Parquet file is read with its whole footer."""
        count, tail = max(min(count, self.size - begin), 0), self._tail
        tail_begin = self.size - len(tail)
        if begin >= tail_begin:
            return tail[begin - tail_begin :][:count]
        with store_errors(self.path):
            return bytes(self.file.read_at(count, begin))

    @cached_property
    def footer(self) -> bytes:
        """The end of the object: the footer of a Parquet file, at most two requests."""
        with self._lock:
            if not self._tail:
                self._tail = self._end(min(max(_TAIL, min(self.size // _TAIL_PART, _MOST_TAIL)), self.size))
                needed = int.from_bytes(self._tail[-8:-4], "little") + 8
                if len(self._tail) < needed <= self.size:
                    self._tail = self._end(needed - len(self._tail), len(self._tail)) + self._tail
            return self._tail

    def _end(self, count: int, before: int = 0) -> bytes:
        with store_errors(self.path):
            return bytes(self.file.read_at(count, self.size - before - count))


_buckets: set[str] = set()
"""Buckets that are there."""
_MOST_OBJECTS = 1000
"""Objects whose ends are kept: 130 MB at most if their footers are small."""
_objects: dict[str, StoredObject] = {}


def stored_object(path: ObjectPath, *, is_fresh: bool = False) -> StoredObject:
    """Return an object for reading. Raises `FileNotFoundError`.

    is_fresh: ask the store whether it was replaced.
    """
    key = str(path)
    known = _objects.get(key)
    if known and not is_fresh:
        return known
    current = StoredObject(path)
    if known and known.tag == current.tag:
        return known
    if len(_objects) >= _MOST_OBJECTS:
        _objects.clear()
    _objects[key] = current
    return current


def _forget(path: ObjectPath) -> None:
    path._listed = None
    _objects.pop(str(path), None)


def file_system() -> "pafs.S3FileSystem":
    """Return the file system of the store."""
    return _connected(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))


@cache
def _connected(endpoint: str | None) -> "pafs.S3FileSystem":
    from pyarrow.fs import S3FileSystem

    return S3FileSystem(endpoint_override=endpoint, connect_timeout=10, request_timeout=60, allow_delayed_open=True)


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn errors of the store within the block into `FileNotFoundError` and `StorageError`, in one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise missing_object(path) from None
    except ArirecordError:
        raise
    except OSError as error:
        raise StorageError(f"{path}: {_meaning(str(error))}.") from error


def missing_object(path: Path) -> OSError:
    """Return the error for an object that is not there: perhaps its bucket is not."""
    with suppress(OSError):
        is_stored = isinstance(path, ObjectPath) and path.parts[1] not in _buckets
        if is_stored and not file_system().get_file_info(path.parts[1]).type:
            return StorageError(f"{path}: the bucket {path.parts[1]} does not exist.")
    return FileNotFoundError(f"{path} does not exist")


def _fits(names: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(_fits(names[begin:], patterns[1:]) for begin in range(len(names) + 1))
    is_hidden = bool(names) and names[0].startswith(".") and not patterns[0].startswith(".")
    return bool(names) and not is_hidden and fnmatchcase(names[0], patterns[0]) and _fits(names[1:], patterns[1:])


def _meaning(message: str) -> str:
    error = re.search(r"AWS Error (\w+) during \w+ operation: (.*)", message, re.DOTALL)
    if error is None:
        return message.rstrip(". ")
    why = error[2].partition("; Details: ")[2] or error[2]
    why = re.sub(r" \(Request ID: .*", "", why).rstrip(". ")
    return _ADVICE.get(error[1], f"{why} ({error[1]})").format(why=why)
