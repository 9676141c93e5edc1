"""Views of a text with its escapes decoded, with the position of each character in the original text.

A phone number can hide behind JSON's escapes, JSON within JSON, the percent signs of a URL, and entities of HTML. A
match in any of these views is replaced in the text itself, and nothing else changes.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

import orjson

__all__ = ["TextView", "cut", "is_json", "key_of", "views"]

_JSON = re.compile(r'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])')

_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""A character of HTML or XML."""

_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_DEPTH = 6


@dataclass(slots=True)
class TextView:
    """`text` and, for each segment of it, its start here and in the source text.

    A segment is either a copy or one character that replaces an escape.
    """

    text: str
    above: "TextView | None" = None
    begins: list[int] = field(default_factory=list)
    begins_above: list[int] = field(default_factory=list)
    ends_above: list[int] = field(default_factory=list)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the position of `text[start:end]`, which is not empty, in the original text."""
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
    """Yield all views of a text: unchanged, with JSON's escapes decoded, again for JSON within, and with percent signs
    and the + of a URL, and the entities of HTML decoded. For JSON (`is_json`) only decoded strings are read, not the
    escapes themselves.
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
            for mark, pattern, decode in _DECODERS:
                if mark in view.text and depth < _DEPTH - 1:
                    undone = _undone(view, pattern, decode)
                    if undone is not None and undone.text not in seen:
                        seen.add(undone.text)
                        found.append(undone)
            if "+" in view.text and " " not in view.text:  # as in the query of a URL
                yield TextView(view.text.replace("+", " "), view, [0], [0], [len(view.text)])
        waiting = found


_Decode = Callable[[str], list[tuple[str, int]]]
"""Characters of an escape, each with the number of characters of the escape that it takes."""


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


def _from_entity(entity: str) -> list[tuple[str, int]]:
    return [(unescape(entity), len(entity))]


_DECODERS = (("\\", _JSON, _from_json), ("%", _PERCENT, _from_percent), ("&", _ENTITY, _from_entity))

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def cut(text: str) -> list[str] | None:
    """Split a JSON text into the parts outside and inside its strings, in turn, so that `'"'.join` gives the text;
    None if the strings cannot be found.
    """
    if "\\" not in text:
        return text.split('"')
    return _STRING.split(text) if is_json(text) else None


def key_of(pieces: list[str], index: int) -> str:
    """Return the key whose value the piece is, or begins with; '' without a key."""
    back = 2 if index % 2 else 1
    if index < back or (back == 2 and pieces[index - 1].strip() != ":"):
        return ""
    return pieces[index - back]


def is_json(text: str) -> bool:
    """Return whether a text is an object or list in JSON, as frames are."""
    if text[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True
