"""Report of an import: one sentence for each kind of fault in a file, never one for each line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arirecord.asterisk.catalogue import event_types, fields_of
from arirecord.session.rows import own_text

from .import_events import FoundRow
from .json_in_text import json_text

__all__ = ["FileReport"]

_SHOWN = 60
_HEAD = 4096
_INSPECTED = re.compile(rb"\{\s*type: '")
"""An event as Node.js prints objects."""
_SEPARATORS = " \t\r[],\x1e\ufeff\0"
"""Characters between events that are not text."""
_HEAD_OF_EVENT = re.compile(r"""\{\s*\\*["']{1,2}type\\*["']""")
_REST_OF_EVENT = re.compile(
    r'"(?:asterisk_id|application)\\*"\s*:\s*\\*"|"(?:channel|bridge|playback|recording)\\*"\s*:\s*\{'
)
"""Fields of an event in a line that holds neither one nor the beginning of one: the rest of a damaged one."""
_ZEROS = "\0\0"
"""A file system leaves such bytes where data was not written."""


@dataclass
class FileReport:
    """Counts of one file."""

    name: str
    events: int = 0
    broken_count: int = 0
    broken: str = ""
    bad_time_count: int = 0
    early_count: int = 0
    units: set[str] = field(default_factory=set)
    recoded_count: int = 0
    broke_off: str = ""
    long_line: str = ""
    other_count: int = 0
    other: tuple[int, str] = (0, "")
    fields: list[str] = field(default_factory=list)
    object_count: int = 0
    has_data: bool = False
    is_binary: bool = False
    head: bytes = b""
    line: int = 1
    zeros_count: int = 0
    _rest_count: int = 0
    _rest: str = ""
    _losses: tuple[int, int, str] = (0, 0, "")
    _is_event_line: bool = False
    _text: str = ""

    @property
    def has_events(self) -> bool:
        """Return whether the file has events, or may have had some."""
        return self.events > 0 or bool(self.broke_off)

    def begin(self, piece: bytes) -> None:
        """Look at a piece of the file."""
        self.is_binary = self.is_binary or (not self.has_data and b"\0" in piece)
        self.head = self.head or piece[:_HEAD]
        self.has_data = self.has_data or bool(piece.strip())

    def add_events(self, text: str, events: Sequence[FoundRow]) -> None:
        """Count the events of a text, and its lines."""
        self.line += text.count("\n")
        self._is_event_line, self._text = True, ""
        self.events += len(events)
        for event in events:
            self.units.add(event.unit)
            self.early_count += event.unit == "early"
            self.bad_time_count += event.has_bad_time

    def add_object(self, value: Mapping[str, Any]) -> None:
        """Count an object without any event."""
        self.object_count += 1
        self.fields = self.fields or list(value)
        kind = value.get("type")
        known = fields_of(kind) if isinstance(kind, str) and kind in event_types() else ()
        if any(isinstance(value.get(name), dict) for name in known):
            self._rest_count += 1  # the beginning of an event and the end of another one
            self._rest = self._rest or _shown(json_text(value))

    def add_other_text(self, text: str) -> list[str]:
        """Count the lines of a text without an event; return those that have ended and hold something."""
        ended = text.split("\n")
        ended[0] = self._text + ended[0]
        self._text = ended.pop()[: 1 << 20]
        others = [line for line in ended if line.strip(_SEPARATORS)]
        if ended and self._is_event_line:
            others = [line for line in ended[1:] if line.strip(_SEPARATORS)]
            self._is_event_line = False
        if others and not self.other_count:
            self.other = (self.line + ended.index(others[0]), others[0].strip())
        self.line += len(ended)
        self.other_count += len(others)
        self.zeros_count += self.events > 0 and _ZEROS in text
        for line in others:
            if _REST_OF_EVENT.search(line) and not _HEAD_OF_EVENT.search(line):
                self._rest_count += 1
                self._rest = self._rest or _shown(line.strip())
        return others

    def lost(self, broken_count: int) -> str:
        """Return `raw` of a row of type `gap` if events were lost since the last call; empty if not, or before all.

        broken_count: number of broken events so far that have a beginning.
        """
        before = self._losses
        self.broken_count = broken_count + self._rest_count
        self._losses = self.broken_count, self.zeros_count, self.broke_off or self.long_line
        if before == self._losses or not self.events:
            return ""
        count = self.broken_count - before[0]
        return own_text("connection", "gap", reason=f"{self.name} is damaged here", lost_count=count or None)

    def results(self, *, is_text_kept: bool) -> tuple[list[tuple[str, str]], list[str]]:
        """Return problems, each with its place, and remarks on what is harmless."""
        notes = [
            f'{self.name}: "t" is in {unit}; it was converted to nanoseconds.'
            for unit in sorted(self.units - {"nanoseconds", "early", "text"})
        ]
        if self.early_count:
            notes.append(
                f'{self.name}: "t" of {self.early_count:,} rows is before the year 2000; it should be nanoseconds '
                "since 1970."
            )
        if self.other_count > self.broken_count:
            what = "kept as rows of kind text" if is_text_kept else "left out (--keep-text keeps them)"
            lines = _count(self.other_count - self.broken_count, "line")
            notes.append(f"{self.name}: {lines} without an ARI event {what}, {self._example()}")
        problems: list[tuple[str, str]] = []
        if self.recoded_count:
            lines = _count(self.recoded_count, "line")
            problems.append((self.name, f"{lines} not in UTF-8, read as Windows-1252. Check the names in them."))
        if self.bad_time_count:
            what = f"{_count(self.bad_time_count, 'event')} with a time that is not one since 1970; it was left out."
            problems.append((self.name, what))
        if self.broken_count:
            what = f"{_count(self.broken_count, 'broken event')} left out, such as {self.broken or self._rest}"
            problems.append((self.name, what))
        if self.zeros_count:
            problems.append((self.name, "zeros in place of data that was not written: its events are lost."))
        if self.broke_off:
            problems.append((f"{self.name}:{self.line}", self.broke_off))
        if self.long_line:
            problems.append((f"{self.name}:{self.line}", self.long_line))
        return problems, notes

    def no_events(self) -> str:
        """Describe a file without any ARI event, and what to do, after its name."""
        if not self.has_data:
            reason = "it is empty."
        elif self.long_line:
            reason = f"{self.long_line}."
        elif self.is_binary:
            reason = "it is binary."
        elif self.broken_count:
            reason = f"its {_count(self.broken_count, 'event')} are cut off or broken, such as {self.broken}"
        elif self.object_count:
            names = ", ".join(self.fields[:5])
            reason = (
                f"its {self.object_count:,} JSON objects (fields: {names}) do not hold one. If a field holds it in "
                "another form, name it with --field."
            )
        elif _INSPECTED.search(self.head):
            reason = (
                "its objects are as Node.js prints them, without nested values. Log `JSON.stringify(event)` instead of "
                "the object."
            )
        else:
            reason = f"it has {_count(self.other_count, 'line')} of text without one, {self._example()}"
        return f"is not an ARI event stream: {reason}"

    def _example(self) -> str:
        line, text = self.other
        return f"such as line {line:,}: {_shown(text)}"


def _shown(text: str) -> str:
    return f"{text[:_SHOWN]}{'…' * (len(text) > _SHOWN)}"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
