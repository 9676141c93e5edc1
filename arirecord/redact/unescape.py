"""Text as it reads once its escapes are undone, with the way back to where each character stands.

A phone number can hide behind JSON's escapes, JSON within JSON, and the percent signs of a URL. What is found in any of
these views is replaced in the text itself, and nothing else of it changes.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson

__all__ = ["TextView", "cut", "is_json", "key_of", "views"]

_JSON = re.compile(r'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])')

_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")

_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_DEPTH = 6


@dataclass(slots=True)
class TextView:
    """`text` with, for each stretch of it, where it begins here and in the text that it was made of.

    A stretch is either a copy or one character that stands for an escape.
    """

    text: str
    above: "TextView | None" = None
    begins: list[int] = field(default_factory=list)
    begins_above: list[int] = field(default_factory=list)
    ends_above: list[int] = field(default_factory=list)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]`, which is not empty, stands in the original text."""
        if self.above is None:
            return start, end
        first = bisect_right(self.begins, start) - 1
        last = bisect_right(self.begins, end - 1) - 1
        begin = self.begins_above[first]
        if self._is_copy(first):
            begin += start - self.begins[first]
        finish = self.begins_above[last] + end - self.begins[last] if self._is_copy(last) else self.ends_above[last]
        return self.above.span(begin, finish)

    def _is_copy(self, index: int) -> bool:
        after = self.begins[index + 1] if index + 1 < len(self.begins) else len(self.text)
        return after - self.begins[index] == self.ends_above[index] - self.begins_above[index]


def views(text: str, *, is_json: bool = False) -> Iterator[TextView]:
    """All readings of a text: as it is, with JSON's escapes undone, again for JSON within, and with percent signs
    and the + of a URL undone. Of JSON (`is_json`) only what its strings mean is read, not the escapes themselves.
    """
    first = TextView(text)
    if is_json and "\\" in text:
        first = _undone(first, _JSON, _from_json) or first
    waiting = [first]
    seen = {first.text}
    for depth in range(_DEPTH):
        found: list[TextView] = []
        for view in waiting:
            yield view
            for mark, pattern, decode in (("\\", _JSON, _from_json), ("%", _PERCENT, _from_percent)):
                if mark in view.text and depth < _DEPTH - 1:
                    undone = _undone(view, pattern, decode)
                    if undone is not None and undone.text not in seen:
                        seen.add(undone.text)
                        found.append(undone)
            if "+" in view.text and " " not in view.text:  # as in the query of a URL
                yield TextView(view.text.replace("+", " "), view, [0], [0], [len(view.text)])
        waiting = found


_Decode = Callable[[str], list[tuple[str, int]]]

"""Characters of an escape, each with how many characters of the escape it takes."""


def _undone(above: TextView, pattern: re.Pattern[str], decode: _Decode) -> TextView | None:
    pieces: list[str] = []
    view = TextView("", above)
    here = there = 0

    def add(piece: str, length: int) -> None:
        nonlocal here, there
        view.begins.append(here)
        view.begins_above.append(there)
        pieces.append(piece)
        here += len(piece)
        there += length
        view.ends_above.append(there)

    for match in pattern.finditer(above.text):
        if match.start() > there:
            add(above.text[there : match.start()], match.start() - there)
        for character, length in decode(match[0]):
            add(character, length)
    if not pieces:
        return None
    if there < len(above.text):
        add(above.text[there:], len(above.text) - there)
    view.text = "".join(pieces)
    return view


def _from_json(escape: str) -> list[tuple[str, int]]:
    if escape[1] != "u":
        return [(_CONTROL.get(escape[1], escape[1]), 2)]
    units = [int(escape[i + 2 : i + 6], 16) for i in range(0, len(escape), 6)]
    if len(units) == 2:
        return [(chr(0x10000 + ((units[0] - 0xD800) << 10) + units[1] - 0xDC00), 12)]
    return [(chr(units[0]), 6)]


def _from_percent(escapes: str) -> list[tuple[str, int]]:
    data = bytes.fromhex(escapes.replace("%", ""))
    try:
        return [(character, 3 * len(character.encode())) for character in data.decode()]
    except UnicodeDecodeError:
        return [(character, 3) for character in data.decode("latin-1")]


_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def cut(text: str) -> list[str] | None:
    """What stands outside and inside of the strings of a JSON text, in turn, so that `'"'.join` gives the text again;
    None where it can't be told what is a string.
    """
    if "\\" not in text:
        return text.split('"')
    return _STRING.split(text) if is_json(text) else None


def key_of(pieces: list[str], index: int) -> str:
    """The key whose value the piece is, or begins with; '' for none."""
    back = 2 if index % 2 else 1
    if index < back or (back == 2 and pieces[index - 1].strip() != ":"):
        return ""
    return pieces[index - back]


def is_json(text: str) -> bool:
    """Whether a text is an object or list in JSON, as frames are."""
    if text[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True
