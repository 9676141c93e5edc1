"""Errors for paths that cannot be read as a session: the type of the file, and advice."""

import zlib
from contextlib import suppress
from pathlib import Path

import zstandard

from arirecord.errors import JournalError, NotASession

from .journal import JournalReader, is_locked, journal_path
from .object_store import ObjectPath, missing_object

__all__ = ["missing_session", "no_sessions_in", "not_a_session"]

_PARQUET, _ZSTD, _GZIP = b"PAR1", b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
_HEAD = 1 << 12


def missing_session(path: Path) -> OSError | NotASession:
    """Return the error for a missing file, a pipe or a device. A recording to it may be running or cut off."""
    if isinstance(path, ObjectPath):
        return missing_object(path)
    if path.exists():
        return NotASession(f"{path} is not a file, but a pipe, a socket or a device: give a session")
    journal = journal_path(path)
    if not journal.exists():
        return FileNotFoundError(f"{path} does not exist")
    if is_locked(journal):
        return FileNotFoundError(f"{path} has no row yet: its recording is still running")
    return FileNotFoundError(f"{path} does not exist: its recording was cut off. Run `arirecord recover {journal}`")


def no_sessions_in(folder: Path) -> NotASession:
    """Return the error for a folder without sessions. There may be journals in it."""
    journals = sorted(path for path in folder.rglob("*.journal") if path.is_file())
    if any(map(is_locked, journals)):
        return NotASession(f"{folder} has no row yet: a recording to it is still running")
    if journals:
        return NotASession(
            f"{folder} has only journals of recordings that were cut off. Run `arirecord recover {folder}`"
        )
    return NotASession(f"{folder} is a folder without any .parquet file")


def not_a_session(path: Path, why: str) -> NotASession:
    """Return the error for a file that Parquet's reader refuses, because of `why`."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return NotASession(f"{path} is not an arirecord session: it is empty")
    if head.startswith(_PARQUET):
        return NotASession(f"{path} is a damaged Parquet file: {why} Run `arirecord doctor {path}`")
    if head.startswith(_ZSTD) and _is_journal(path):
        if is_locked(path):
            return NotASession(
                f"{path} is the journal of a recording that is still running. Read {path.with_suffix('')}, up to now"
            )
        return NotASession(f"{path} is the journal of a recording that was cut off. Run `arirecord recover {path}`")
    text = _text_of(head).lstrip()
    if text.startswith((b"{", b"[")):
        target = path.with_name(f"{path.name.partition('.')[0]}.parquet")
        target = target if target != path else path.with_name(f"{path.stem}-imported.parquet")
        return NotASession(
            f"{path} is not an arirecord session. For JSON lines, run `arirecord import {path} -o {target}`"
        )
    return NotASession(f"{path} is not an arirecord session: it is neither Parquet nor JSON lines")


def _is_journal(path: Path) -> bool:
    try:
        JournalReader(path)
    except JournalError as error:
        return "is not a journal" not in str(error)  # a newer or damaged one
    return True


def _text_of(head: bytes) -> bytes:
    """Return the beginning of a text file, decompressed if it is gzip or zstd."""
    if head.startswith(_ZSTD):
        with suppress(zstandard.ZstdError):
            return zstandard.ZstdDecompressor().decompressobj().decompress(head)
    if head.startswith(_GZIP):
        with suppress(zlib.error):
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head)
    return head
