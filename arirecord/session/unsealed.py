"""Journals that are not sealed yet: what they hold up to now is read through temporary sessions."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from arirecord.errors import JournalError

from .header import Header
from .journal import JournalReader, is_locked
from .rows import Rows
from .seal import make_session
from .temporary_folder import new_path

__all__ = ["is_any_running", "read_up_to_now"]

_RUNNING = "the recording is still running"


def is_any_running(journals: Iterable[Path]) -> bool:
    """Whether one of the journals is being written or sealed; those that are gone by now are not."""
    for journal in journals:
        try:
            if is_locked(journal):
                return True
        except FileNotFoundError:
            continue
    return False


def read_up_to_now(journals: Iterable[Path]) -> list[Path]:
    """Return sessions of what journals hold now: temporary ones, kept until the process ends; of a journal that was
    sealed meanwhile, the real one. The recorder is not disturbed.
    """
    folder, paths = new_path("up-to-now"), []
    for number, journal in enumerate(journals):
        session = folder / str(number) / journal.with_suffix("").name
        try:
            source = _Growing(JournalReader(journal))
            session.parent.mkdir(parents=True)
            make_session(source, session, Header(source.head["started_ns"], source.head["source"]))
        except JournalError:
            continue  # nothing is in it yet
        except FileNotFoundError:
            session = journal.with_suffix("")
        if session.exists():
            paths.append(session)
    return paths


class _Growing:
    """The rows of a journal that may be written meanwhile: its end is not a fault."""

    def __init__(self, reader: JournalReader) -> None:
        self.head = reader.head
        self.unused_bytes = 0
        self._reader = reader

    @property
    def ended(self) -> str:
        return _RUNNING if self._reader.ended == "torn" else self._reader.ended

    def texts(self) -> Iterator[bytes]:
        return self._reader.texts()

    def batches(self, size: int) -> Iterator[Rows]:
        return self._reader.batches(size)
