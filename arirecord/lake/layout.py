"""The layout of a lake: which folder holds the events and tables of a server and a day.

```text
ROOT/arirecord-lake.json                                  {"layout": 1}
ROOT/events/server=S/date=YYYY-MM-DD/*.parquet            parts, each a session
ROOT/tables/NAME/server=S/date=YYYY-MM-DD/*.parquet       kept tables
ROOT/.parts.parquet                                       the index of the parts
ROOT/.staging/                                            unfinished files
```

These are hive partitions: DuckDB, Spark, Trino, polars and pyarrow read `server` and `date` from the path. A day is one
of UTC, by the time of receipt.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import orjson

from arirecord.errors import ArirecordError, NotASession, TargetExists
from arirecord.session.folder_files import LAKE_EVENTS, LAKE_MARKER, files_of_day, is_lake, stored_files
from arirecord.session.object_store import ObjectPath
from arirecord.session.output_file import write_whole

__all__ = [
    "LAYOUT",
    "LakePart",
    "check_lake",
    "date_folder",
    "date_of",
    "events_folder",
    "is_lake",
    "list_parts",
    "make_lake",
    "part_at",
    "server_folder",
    "server_of",
    "table_names",
]

LAYOUT = 1
"""The version of the layout."""
_TABLES = "tables"
_NO_SERVER = "__HIVE_DEFAULT_PARTITION__"
"""Hive's name for a partition without a value: engines read NULL."""
_ESCAPED = re.compile(r"""["#%'*/:=?\\{}\[\]^\x00-\x1f\x7f]|^_(?=_HIVE_DEFAULT)""")
"""Characters that hive escapes, and the first one of a server that is named like a partition without a value."""
_MAX_NAME = 255
"""Bytes in the name of a folder."""


class LakePart(NamedTuple):
    """One Parquet file of a lake. server: its `asterisk_id`, None if its events have none. day: of UTC."""

    path: Path
    server: str | None
    day: date


def server_folder(server: str | None) -> str:
    """Return the name of a server's folder, `server=02%3Afc`. Raises `ArirecordError` if it is too long."""
    if server is None:
        return f"server={_NO_SERVER}"
    folder = "server=" + _ESCAPED.sub(lambda character: f"%{ord(character[0]):02X}", server)
    if len(os.fsencode(folder)) > _MAX_NAME:
        raise ArirecordError(f"the server {server[:40]!r}… can't be in a lake: its name is longer than a folder's name")
    return folder


def server_of(folder: str) -> str | None:
    """Return the server of a folder's name; None for a server without a name. Raises `ValueError` for other names."""
    key, equals, value = folder.partition("=")
    if key != "server" or not equals:
        raise ValueError(f"{folder!r} is not the folder of a server")
    if value == _NO_SERVER:
        return None
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), value)


def date_folder(day: date) -> str:
    """Return the name of a day's folder, `date=2026-11-23`."""
    return f"date={day.isoformat()}"


def date_of(folder: str) -> date:
    """Return the day of a folder's name. Raises `ValueError` for other names."""
    key, _, value = folder.partition("=")
    if key != "date":
        raise ValueError(f"{folder!r} is not the folder of a day")
    return date.fromisoformat(value)


def events_folder(root: Path, server: str | None, day: date) -> Path:
    """Return the folder with the parts of a server's day; it may be missing."""
    return root / LAKE_EVENTS / server_folder(server) / date_folder(day)


def table_names(root: Path) -> list[str]:
    """Return the names of the kept tables."""
    return [path.name for path in _folders(root / _TABLES)]


def check_lake(root: Path) -> None:
    """Raise `NotASession` if a folder is not a lake that this version can read."""
    try:
        layout = orjson.loads((root / LAKE_MARKER).read_bytes())["layout"]
    except FileNotFoundError:
        raise NotASession(
            f"{root} is not a lake: it has no {LAKE_MARKER}. `arirecord ingest SESSION {root}` makes it one"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise NotASession(f'{root / LAKE_MARKER} is damaged: it must hold {{"layout": {LAYOUT}}}') from error
    if type(layout) is not int or layout > LAYOUT:
        raise NotASession(f"{root} has layout {layout!r}, this arirecord reads up to {LAYOUT}: please update arirecord")


def make_lake(root: Path) -> None:
    """Make a folder a lake, unless it is one. It may be missing or empty.

    Raises `TargetExists` for a file and for a folder with other content, `NotASession` as `check_lake` does.
    """
    if is_lake(root):
        check_lake(root)
        return
    if root.is_file():
        raise TargetExists(f"{root} is a file: name a folder for the lake")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(not path.name.startswith(".") for path in root.iterdir()) and not is_lake(root):
        raise TargetExists(f"{root} is a folder with other content: name an empty or a new folder for the lake")
    write_whole(root / LAKE_MARKER, orjson.dumps({"layout": LAYOUT}) + b"\n")


def list_parts(
    root: Path,
    table: str | None = None,
    *,
    servers: Collection[str | None] | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
) -> list[LakePart]:
    """Return the parts of a lake, by server, day and name. No file is opened.

    table: a kept table; None: the events.
    servers: only parts of these servers; None: of all.
    first_day, last_day: only parts of these days and the days between.

    A day is listed as it is at one time, also if `arirecord compact` replaces its folder meanwhile.
    """
    top = root / _TABLES / table if table is not None else root / LAKE_EVENTS
    if isinstance(top, ObjectPath):
        return [
            part
            for part in _stored_parts(top)
            if (servers is None or part.server in servers)
            and (first_day is None or part.day >= first_day)
            and (last_day is None or part.day <= last_day)
        ]
    parts = []
    for server_path in _folders(top):
        server = server_of(server_path.name)
        if servers is not None and server not in servers:
            continue
        for day_path in _folders(server_path):
            day = date_of(day_path.name)
            if (first_day is None or day >= first_day) and (last_day is None or day <= last_day):
                parts += [LakePart(path, server, day) for path in files_of_day(day_path)]
    return parts


def _stored_parts(top: ObjectPath) -> Iterator[LakePart]:
    """Return all parts below a prefix: one listing takes fewer requests than one for each day."""
    parts = (_part_named(path) for path in stored_files(top) if len(path.relative_to(top).parts) == 3)
    return filter(None, parts)


def _part_named(path: Path) -> LakePart | None:
    with suppress(ValueError):
        return LakePart(path, server_of(path.parents[1].name), date_of(path.parent.name))
    return None


def part_at(path: Path) -> LakePart | None:
    """Return a file as a part of the lake that it is in; None if it is in no lake, or not where parts are."""
    part = _part_named(path) if len(path.parents) > 3 and path.parents[2].name == LAKE_EVENTS else None
    return part if part and is_lake(path.parents[3]) else None


def _folders(path: Path) -> Iterator[Path]:
    """Yield the folders in a folder that are named as in this layout, in order; other folders are passed over."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for folder in sorted(path.iterdir()):
            if not folder.name.startswith(".") and folder.is_dir() and _is_known(path, folder.name):
                yield folder


def _is_known(parent: Path, name: str) -> bool:
    if parent.name == _TABLES:
        return True
    with suppress(ValueError):
        date_of(name) if parent.name.startswith("server=") else server_of(name)
        return True
    return False
