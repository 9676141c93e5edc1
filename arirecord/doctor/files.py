"""Files and folders: detect the type of each by its first bytes, not by its name."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pyarrow as pa

from arirecord.errors import JournalError, NotASession, is_out_of_memory
from arirecord.session.journal import JournalReader, is_locked, journal_path
from arirecord.session.object_store import ObjectPath
from arirecord.session.parts import Part, in_order_of_time, read_part
from arirecord.session.seal import Progress, no_progress

from .findings import Finding
from .journal_file import examine_journal, no_journal
from .session import examine_session

__all__ = ["examine"]

_PARQUET = b"PAR1"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BACKUP = "The file is damaged: take it from a backup."
_IMPORT = "If it is a recorded stream, `arirecord import {path}` makes it a session."


def examine(path: Path, *, is_quick: bool = False, progress: Progress = no_progress) -> Iterator[Finding]:
    """Yield the findings of a session, a folder of sessions and journals, or a journal, also by its session's name.

    is_quick: compare only a sample of the rows with their columns.
    progress: called with the number of rows done.

    Raises `OSError` if `path` does not exist or can't be read.
    """
    if path.is_dir():
        yield from _folder(path, is_quick, progress)
    elif _is_endless(path):
        yield Finding("error", "file", path.name, "It is a pipe, a socket or a device.")
    elif not isinstance(path, ObjectPath) and not path.exists():
        if not (journal := journal_path(path)).is_file():
            raise FileNotFoundError(f"{path} does not exist")
        yield from _journal(journal, journal.name, progress)
    elif _is_journal(path):
        yield from _journal(path, path.name, progress)
    else:
        part = yield from _part(path, path.name)
        if part is not None:
            yield from examine_session([part], is_quick=is_quick, progress=progress)
        yield from _beside(path)


def _is_endless(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device: reading may never end."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _folder(folder: Path, is_quick: bool, progress: Progress) -> Iterator[Finding]:
    parts: list[Part] = []
    named = sorted(p for p in folder.rglob("*.parquet") if not p.name.startswith("."))
    paths = [path for path in named if not _is_endless(path)]
    for path in named:
        if _is_endless(path):
            yield Finding("note", "file", str(path.relative_to(folder)), "A pipe, a socket or a device: passed over.")
    journals = sorted(p for p in folder.rglob("*.journal*") if p.is_file())
    if not paths and not journals:
        yield Finding("error", "file", folder.name, "A folder without any .parquet file or journal.")
    for path in paths:
        part = yield from _part(path, str(path.relative_to(folder)))
        if part is not None:
            parts.append(part)
    if parts:
        yield from examine_session(in_order_of_time(parts), is_quick=is_quick, progress=progress)
    for path in journals:
        yield from _journal(path, str(path.relative_to(folder)), progress)
    for path in sorted(folder.rglob(".*.sealing-*")):
        yield Finding(
            "note",
            "file",
            str(path.relative_to(folder)),
            "Left behind by an interrupted sealing, unless one is running.",
            "The journal has everything: it can be removed.",
        )


def _part(path: Path, name: str) -> Generator[Finding, None, Part | None]:
    """Yield the reason why it is not a session; otherwise return the opened session."""
    try:
        begin = _begin(path)
        return read_part(path)
    except NotASession as error:
        text = str(error).removeprefix(f"{path} ").partition(" Run `")[0].rstrip(".")
        if not begin:
            yield Finding(
                "error", "file", name, "It is empty.", "No arirecord wrote it: was a disk full, a copy cut off?"
            )
        elif begin == _PARQUET:
            yield Finding("error", "file", name, f"It {text}.", _of_parquet(text))
        else:
            what = "It is not a session and not a journal: neither Parquet nor zstd."
            yield Finding("error", "file", name, what, _IMPORT.format(path=path))
    except OSError as error:
        yield Finding("error", "file", name, f"It can't be read: {error.strerror or error}.")
    except (ValueError, pa.ArrowException) as error:
        if is_out_of_memory(error):
            raise
        why = str(error).splitlines()[0][:200]
        yield Finding("error", "file", name, f"Its description of the columns is damaged: {why}", _BACKUP)
    return None


def _of_parquet(text: str) -> str:
    if "please update" in text:
        return ""
    if "header" in text:
        return "Its rows can still be read by any Parquet tool."
    return "" if "not an arirecord session" in text else "Without its end Parquet can't be read: look for its journal."


def _beside(path: Path) -> Iterator[Finding]:
    journal = journal_path(path)
    if journal.exists():
        if is_locked(journal):
            yield Finding("note", "journal", journal.name, "A recording to this file is being written right now.")
        else:
            yield Finding(
                "warning",
                "journal",
                journal.name,
                "A journal is beside the session: its rows may be missing in the session.",
                f"Run `arirecord doctor {journal}`.",
            )


def _is_journal(path: Path) -> bool:
    return _begin(path) == _ZSTD or ".journal" in path.suffixes


def _journal(path: Path, name: str, progress: Progress) -> Iterator[Finding]:
    try:
        try:
            reader = JournalReader(path)
        except (JournalError, TypeError) as error:
            yield no_journal(path, name, error)
        else:
            yield from examine_journal(reader, name=name, progress=progress)
    except OSError as error:
        yield Finding("error", "file", name, f"It can't be read: {error.strerror or error}.")


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)
