"""Sealing while a recording runs: full parts, one after the other, each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arirecord.session.folder_files import session_files
from arirecord.session.journal import is_locked, journal_path

__all__ = ["Sealer"]

_FIRST_DELAY_S = 10.0
_LONGEST_DELAY_S = 600.0

_ONE_AT_A_TIME = threading.Lock()
"""Several recordings of one process may reach the hour together: their parts are sealed one after the other."""

_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop())
from arirecord.startup import fit_address_space
fit_address_space()
from arirecord.capture.seal_part import main
main()
"""
"""Modules are found where they were found here, and not in the working folder."""

_INGEST = """
import json, os, sys
sys.path[:] = json.loads(sys.argv.pop())
os.nice(10)
from arirecord.cli import main
main()
"""


@dataclass(slots=True)
class _Waiting:
    """A part to seal, not before `due_s`. `is_left`: an earlier recording left its journal."""

    part: Path
    is_left: bool = False
    due_s: float = 0.0
    delay_s: float = field(default_factory=lambda: _FIRST_DELAY_S)
    problem: str | None = None


class Sealer:
    """Seals parts in a thread that waits for one process at a time, so that recording is not delayed.

    A part that can't be sealed keeps its journal and is tried again later, and once more by `finish`. `say` gets the
    reason for the first failure, and a message when nothing is left to be sealed. `folder`: journals that earlier
    recordings left in it are sealed too. `lake`: sealed parts are put into this lake and then removed; parts that are
    left in the folder, too.
    """

    def __init__(self, say: Callable[[str], None], folder: Path | None = None, lake: Path | None = None) -> None:
        self._say = say
        self._lake = lake
        self._task = "sealed" if lake is None else f"put into {lake}"
        self._waiting: list[_Waiting] = []
        self._changed = threading.Condition()
        self._current: _Waiting | None = None
        self._process: subprocess.Popen[str] | None = None
        self._is_ending = self._is_failing = False
        self._thread = threading.Thread(target=self._run, args=[folder], name="arirecord-sealer", daemon=True)
        if folder is not None:
            self._thread.start()

    def add(self, part: Path) -> None:
        """Seal the closed journal of `part` soon; returns at once."""
        with self._changed:
            self._waiting.append(_Waiting(part))
            self._changed.notify()

    def finish(self, waiting: Callable[[int], None]) -> list[str]:
        """Try all parts of this recording once more; return a message for each reason why some could not be sealed.

        `waiting` is called with the number of parts that are left.
        """
        with self._changed:
            self._is_ending = True
            self._changed.notify()
            if self._current is not None and self._current.is_left and self._process is not None:
                self._process.terminate()
        if self._thread.is_alive():
            waiting(sum(not each.is_left for each in (*self._waiting, *filter(None, [self._current]))))
            self._thread.join()
        parts = [each.part for each in self._waiting if not each.is_left]
        messages: dict[str, list[str]] = {}
        for number, part in enumerate(parts):
            waiting(len(parts) - number)
            if (problem := self._problem(part)) is not None:
                message = f"{part} was not {self._task}: {problem}"
                messages.setdefault(message.replace(str(part), ""), []).append(message)
        return [
            first if not others else f"{first}. The same holds for {len(others):,} other parts."
            for first, *others in messages.values()
        ]

    def _run(self, folder: Path) -> None:
        try:
            self._find_left(folder)
        except OSError as error:
            self._say(f"{folder} could not be searched for earlier journals: {error}")
        while (each := self._next()) is not None:
            each.problem = self._problem(each.part)
            self._report(each)
            with self._changed:
                self._current = None
                if each.problem is not None:
                    each.due_s = time.monotonic() + each.delay_s
                    each.delay_s = min(each.delay_s * 2, _LONGEST_DELAY_S)
                    self._waiting.append(each)

    def _find_left(self, folder: Path) -> None:
        left = [
            journal.with_suffix("")
            for journal in sorted(folder.rglob("*.parquet.journal"))
            if journal.is_file() and not is_locked(journal)
        ]
        if self._lake is not None:
            left += [part for part in session_files(folder) if not journal_path(part).exists()]
        for part in left:
            with self._changed:
                if all(each.part != part for each in self._waiting):
                    self._waiting.append(_Waiting(part, is_left=True))

    def _next(self) -> _Waiting | None:
        """Wait for a part that is due; None at the end."""
        with self._changed:
            while not self._is_ending:
                first = min(self._waiting, key=lambda each: (each.due_s, each.is_left), default=None)
                if first is not None and first.due_s <= time.monotonic():
                    self._waiting.remove(first)
                    self._current = first
                    return first
                self._changed.wait(None if first is None else first.due_s - time.monotonic())
            return None

    def _report(self, each: _Waiting) -> None:
        if each.problem is not None:
            if not self._is_failing and not self._is_ending:
                self._is_failing = True
                self._say(
                    f"{each.part} can't be {self._task} now: {each.problem}. Recording goes on; this is tried again."
                )
        elif each.is_left:
            left_file = "its journal" if self._lake is None else "it"
            self._say(f"{each.part} was {self._task}; an earlier recording had left {left_file}.")
        if self._is_failing and all(other.problem is None for other in (*self._waiting, each)):
            self._is_failing = False
            self._say(f"All full parts are {self._task} again.")

    def _problem(self, part: Path) -> str | None:
        """Seal a part in a process of its own; return what prevented it."""
        journal = journal_path(part)
        try:
            if not journal.exists() and not part.exists():
                return f"its journal {journal} is gone"
            with _ONE_AT_A_TIME:
                why = self._run_program([_PROGRAM, journal, part]) if journal.exists() else None
                if why is None and self._lake is not None:
                    journal = part
                    why = self._run_program([_INGEST, "ingest", "-q", part, str(self._lake)])
                    if why is None:
                        part.unlink()
        except Exception as error:  # whatever fails here must not end the sealing of later parts
            why = f"the process that seals can't be started ({getattr(error, 'strerror', None) or repr(error)})"
        return f"{why}; its events are in {journal}" if why is not None else None

    def _run_program(self, program: Sequence[str | Path]) -> str | None:
        """Run a program with its arguments in a process of its own; return what prevented it."""
        ours, lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", *program, json.dumps(sys.path)],
                stdin=ours,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # signals of the terminal are for the recorder
            )
            os.close(ours)
            ours = -1
            _, errors = self._process.communicate()
            code = self._process.returncode
        finally:
            self._process = None
            for fd in filter(lambda fd: fd >= 0, (ours, lifeline)):
                os.close(fd)
        if code == 0:
            return None
        if code < 0:
            return f"the process that seals it was killed ({signal.Signals(-code).name})"
        why = (errors.strip().splitlines() or [f"the process that seals it ended with code {code}"])[-1]
        return why.removeprefix("Error: ").rstrip(".")
