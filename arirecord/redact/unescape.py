"""Views of a text with its escapes decoded, with the position of each character in the original text.

A phone number can hide behind JSON's escapes, JSON within JSON, bytes as C writes them, the percent signs of a URL,
quoted-printable and entities of HTML. A match in any of these views is replaced in the text itself, and nothing else
changes.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape

from arirecord.json_text import json_value

__all__ = ["TextView", "cut", "is_json", "key_of", "views"]

_JSON = re.compile(r'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])')

_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")

_UNIT = re.compile(r"%u[0-9a-fA-F]{4}")
"""A character as JavaScript's `escape` writes it."""

_QUOTED = re.compile(r"(?:=[0-9A-F]{2})+|=\r?\n")
"""Quoted-printable bytes and soft line breaks of a mail."""

_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|(?:\\[0-3][0-7]{2})+")
"""Bytes as C, Python and shells write them."""

_UNUSUAL = re.compile(r"[^\x00-\x7f]")
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Characters that no reader sees (`Default_Ignorable_Code_Point` of Unicode)."""
_SIMILAR = str.maketrans(
    "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρτικυχ", "aeopcyxijshdqwABEKMHOPCTYXIJSABEZHIKMNOPTYXoavptikux"
)
"""Letters of Cyrillic and Greek that look like Latin ones."""
_SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "

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
    """Yield all views of a text: unchanged, with JSON's escapes decoded, again for JSON within, and with each of
    `_DECODERS` and the + of a URL decoded. For JSON (`is_json`) only decoded strings are read, not the
    escapes themselves.
    """
    first = TextView(text)
    if is_json and "\\" in text:
        first = _undone(first, _JSON, _from_json) or first
    waiting = [first]
    seen = {first.text}
    for depth in range(_DEPTH):
        undone_views: list[TextView] = []
        for view in waiting:
            yield view
            for mark, pattern, decode in _DECODERS:
                if depth < _DEPTH - 1 and (mark in view.text if mark else not view.text.isascii()):
                    undone = _undone(view, pattern, decode)
                    if undone is not None and undone.text not in seen:
                        seen.add(undone.text)
                        undone_views.append(undone)
            if "+" in view.text and " " not in view.text:  # as in the query of a URL
                yield TextView(view.text.replace("+", " "), view, [0], [0], [len(view.text)])
        waiting = undone_views


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
    return _decoded(bytes.fromhex(escapes.replace("%", "")), 3)


def _decoded(data: bytes, length: int) -> list[tuple[str, int]]:
    """Return the characters of bytes that take `length` characters each."""
    try:
        return [(character, length * len(character.encode())) for character in data.decode()]
    except UnicodeDecodeError:
        return [(character, length) for character in data.decode("latin-1")]


def _from_unit(escape: str) -> list[tuple[str, int]]:
    return [(chr(int(escape[2:], 16)), 6)]


def _from_quoted(escapes: str) -> list[tuple[str, int]]:
    return [("", len(escapes))] if "\n" in escapes else _decoded(bytes.fromhex(escapes.replace("=", "")), 3)


def _from_bytes(escapes: str) -> list[tuple[str, int]]:
    if escapes[1] == "x":
        return _decoded(bytes.fromhex(escapes.replace("\\x", "")), 4)
    return _decoded(bytes(int(octal, 8) for octal in escapes[1:].split("\\")), 4)


def _from_entity(entity: str) -> list[tuple[str, int]]:
    return [(unescape(entity), len(entity))]


def _from_unusual(character: str) -> list[tuple[str, int]]:
    return [(_plain(character), 1)]


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """Return the usual character that a reader sees in an unusual one; '' for an invisible one."""
    if _IGNORED.match(character):
        return ""
    name = unicodedata.name(character, "")
    if name.startswith(_SMALL_CAPITAL) and len(name) == len(_SMALL_CAPITAL) + 1:
        return name[-1].lower()
    similar = unicodedata.normalize("NFKC", character).translate(_SIMILAR)
    return similar if len(similar) == 1 else character


_DECODERS = (
    ("\\", _JSON, _from_json),
    ("\\", _BYTES, _from_bytes),
    ("%", _PERCENT, _from_percent),
    ("%u", _UNIT, _from_unit),
    ("=", _QUOTED, _from_quoted),
    ("&", _ENTITY, _from_entity),
    ("", _UNUSUAL, _from_unusual),
)

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
    return text[:1] in ("{", "[") and json_value(text) is not None
