"""`arirecord capture` as a process of its own, and what came of it beside what Asterisk logged meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from arirecord.analytics import connect
from arirecord.session.journal import JournalReader, journal_path
from arirecord.session.reader import SessionFile, open_session

from .switch import Asterisk, Row, wait_until

__all__ = ["Capture", "Recorded", "at", "command", "is_close"]

MARK = "no-more-calls"


def command(asterisk: Asterisk, target: Path, *options: str) -> list[str]:
    """The command line that records everything of an Asterisk; the password is in `$ARIRECORD_PASSWORD`."""
    return [
        *(sys.executable, "-m", "arirecord", "capture"),
        *("--url", asterisk.url, "--user", asterisk.user, "-o", str(target), *options),
    ]


@dataclass(frozen=True)
class Recorded:
    """A session, with the CEL and CDR rows of the same time. `exit_code` and `said` are the command's."""

    path: Path
    cel: Sequence[Row]
    cdr: Sequence[Row]
    exit_code: int
    said: str

    @cached_property
    def session(self) -> SessionFile:
        return open_session(self.path)

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return connect(self.path)

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, list(parameters)).fetchall()

    def logged(self, *types: str) -> list[Row]:
        """CEL rows of some types, in order."""
        return sorted((row for row in self.cel if row["eventtype"] in types), key=lambda row: row["eventtime"])

    def channel(self, number: str) -> str:
        """The id of the first channel of a phone."""
        return next(str(row["uniqueid"]) for row in self.cel if row["channame"].startswith(f"PJSIP/{number}-"))


def at(row: Row) -> datetime:
    return datetime.fromtimestamp(row["eventtime"], UTC).replace(tzinfo=None)


def is_close(one: datetime | None, other: datetime) -> bool:
    """Whether they are the same time but for what ARI cuts off below the millisecond."""
    return one is not None and abs(one - other) <= timedelta(milliseconds=1)


class Capture:
    """`arirecord capture` while it runs. `with Capture(…) as capture: …; recorded = capture.finish()`."""

    def __init__(self, asterisk: Asterisk, target: Path) -> None:
        self.asterisk, self.target = asterisk, target
        self._stderr = target.with_suffix(".stderr")
        self._cel_count, self._cdr_count = len(asterisk.cel()), len(asterisk.cdr())

    def __enter__(self) -> Self:
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command(self.asterisk, self.target)],  # it would wait for ever
                stderr=stderr,
                env={**os.environ, "ARIRECORD_PASSWORD": self.asterisk.password},
            )
        try:
            wait_until(lambda: self._process.poll() is not None or "Recording" in self.said, "the recording begins")
            assert self._process.poll() is None, self.said
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def said(self) -> str:
        return self._stderr.read_text()

    def finish(self) -> Recorded:
        """Wait until all calls are over, logged and received; end the recording as Ctrl-C does."""
        wait_until(self._is_quiet, "all channels have ended in CEL")
        return self.stop()

    def stop(self) -> Recorded:
        """End the recording as Ctrl-C does, once all that was sent so far was received."""
        self.asterisk.ari("POST", f"events/user/{MARK}", application="arirecord")
        wait_until(lambda: MARK.encode() in self.journal(), "the recording has everything")
        self._process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> Recorded:
        """What there is once the command has ended."""
        code = self._process.wait(30)
        cel, cdr = self.asterisk.cel()[self._cel_count :], self.asterisk.cdr()[self._cdr_count :]
        return Recorded(self.target, cel, cdr, code, self.said)

    def logged(self, what: str) -> list[Row]:
        """CEL rows of one type since the recording began."""
        return [row for row in self.asterisk.cel()[self._cel_count :] if row["eventtype"] == what]

    def journal(self) -> bytes:
        """What the journal holds by now: it can be read while it is written."""
        return b"".join(JournalReader(journal_path(self.target)).texts())

    def _is_quiet(self) -> bool:
        rows = self.asterisk.cel()[self._cel_count :]
        begun, over = (
            {row["uniqueid"] for row in rows if row["eventtype"] == what} for what in ("CHAN_START", "CHAN_END")
        )
        calls = {row["uniqueid"]: row["linkedid"] for row in rows}  # the last that each channel had
        called = {row["linkedid"] for row in rows if row["eventtype"] == "LINKEDID_END"} & set(calls.values())
        billed = {row["uniqueid"] for row in self.asterisk.cdr()[self._cdr_count :]}
        return begun <= over and called <= billed
