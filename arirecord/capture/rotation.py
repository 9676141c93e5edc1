"""Targets of a recording: one file, or a folder of parts, each sealed while the next one is recorded."""

import fcntl
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Self

from arirecord.errors import TargetExists
from arirecord.select.units import parse_seconds
from arirecord.session.journal import journal_path
from arirecord.session.output_file import check_output

__all__ = ["Folder", "Rotation", "SingleFile", "Target"]

_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9}


@dataclass(frozen=True, slots=True)
class Rotation:
    """Limits of a part; None: no limit. `journal_bytes` is about the size of the part as Parquet."""

    seconds: float | None = None
    journal_bytes: int | None = None
    rows: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `1h`, `256MB` or `1000000` (rows). Raises `ValueError` for any other text."""
        match = re.fullmatch(r"(\d+)([a-z]*)", text.strip().lower())
        if match is not None and int(match[1]):
            number, unit = int(match[1]), match[2]
            if not unit:
                return cls(rows=number)
            if unit in _BYTES:
                return cls(journal_bytes=number * _BYTES[unit])
        if seconds := parse_seconds(text):
            return cls(seconds=seconds)
        raise ValueError(f"{text!r} is not a size of a part such as 1h, 256MB or 1000000 (rows)")

    def is_full(self, seconds: float, journal_bytes: int, rows: int) -> bool:
        """Whether a part of this age and these sizes is full."""
        return (
            (self.seconds is not None and seconds >= self.seconds)
            or (self.journal_bytes is not None and journal_bytes >= self.journal_bytes)
            or (self.rows is not None and rows >= self.rows)
        )


class SingleFile:
    """A recording in one file, which must not exist unless `force`."""

    rotation = Rotation()

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self.path = path
        self.force = force

    def open(self) -> None:
        """Raise `TargetExists` or `FileNotFoundError` if a session can't be written there."""
        if self.path.is_dir():
            raise TargetExists(f"{self.path} is a folder: name a file, or end it in / to record in parts")
        check_output(self.path, force=self.force)

    def close(self) -> None:
        """Do nothing: a single file has no lock."""

    def part(self, number: int, now_ns: int) -> Path:
        """The file of the one part."""
        return self.path


class Folder:
    """A recording in parts: `FOLDER/date=YYYY-MM-DD/HHMMSS-000000.parquet`, by the UTC time at which each begins.

    lake: sealed parts are put into this lake, and then removed.
    """

    force = False

    def __init__(self, path: Path, rotation: Rotation, lake: Path | None = None) -> None:
        self.path = path
        self.rotation = rotation
        self.lake = lake
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folder and lock it. Raises `TargetExists` if another recording goes there."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise TargetExists(f"another recording is being written to {self.path}: choose another folder") from None
        self._lock = lock

    def close(self) -> None:
        """Unlock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def part(self, number: int, now_ns: int) -> Path:
        """A file for a part; its folder is made. If the name is taken, the number is the next free one: a clock that
        was set back, or a second recording within a second, gives the same time.
        """
        begin = datetime.fromtimestamp(now_ns / 1e9, UTC)
        folder = self.path / f"date={begin:%Y-%m-%d}"
        folder.mkdir(mode=0o700, exist_ok=True)
        names = (folder / f"{begin:%H%M%S}-{free:06d}.parquet" for free in count(number))
        return next(part for part in names if not any(map(os.path.lexists, (part, journal_path(part)))))


Target = SingleFile | Folder
