"""JSON values in any text: in lines, printed over several lines, after the text of a logger, escaped in quotes."""

import ast
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from arirecord.asterisk.catalogue import event_types
from arirecord.session.journal_lines import event_line

__all__ = ["Found", "ValueReader", "json_text"]

_DECODER = json.JSONDecoder()
_LIMIT = 1 << 25
"""Length of the longest value in characters. A longer one is searched for values in it."""
_OTHER_LIMIT = 1 << 20
"""The same for notations other than plain JSON."""
_WINDOW = 1 << 14
"""The decoder gets so much of the text first: its errors count the lines of all that it got."""
_EFFORT = 16
_FIRST_EFFORT = 1 << 24
_LEAST_LIMIT = 1 << 9
_SHOWN = 60
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SPACE = re.compile(r"\s*")
_ESCAPED = re.compile(r'(?:[^"\\\n]|\\.)*')
_LITERAL = re.compile(r"'(?:[^'\\\n]|\\.)*'")
_CSV = re.compile(r'"(?:[^"]|"")*"')
_TOKEN = re.compile(r""" '(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*" | [{}\[\]()] """, re.VERBOSE)
_EVENT = re.compile(r"""\{\s*\\?["']{1,2}type\\?["']{1,2}\s*:\s*\\?["']{1,2}([A-Za-z]+)""")


class Found(NamedTuple):
    """Text, and the JSON object after it.

    before: the text since the value before.
    text: the text of the object, as it is in the file.
    value: the decoded object; None after the last one.
    raw: JSON text of the object: verbatim, or of the same value if the file has another notation.
    """

    before: str
    text: str = ""
    value: dict[str, Any] | None = None
    raw: str = ""


class _Value(NamedTuple):
    begin: int
    end: int
    value: Any
    raw: str


class _Incomplete(Exception):
    """A value may go on after the end of the text."""


class _Effort:
    """Limits the characters that are read in vain, to a multiple of the text: nearly every `{` of a hostile text can
    look like the begin of a value that does not end.
    """

    def __init__(self) -> None:
        self._left = _FIRST_EFFORT

    def add(self, text: str) -> None:
        self._left += _EFFORT * len(text)

    def limit(self, most: int) -> int:
        """Return the length of text in which a value that begins now may be searched."""
        return max(min(most, self._left), _LEAST_LIMIT)

    def spend(self, count: int) -> None:
        self._left = max(self._left - count, 0)


class ValueReader:
    """Finds JSON objects in text that comes in pieces. Memory is bounded, and time is proportional to the text.

    `broken_count` is the number of objects that look like events and cannot be decoded,
    `broken` the begin of the first.
    """

    def __init__(self) -> None:
        self.broken_count = 0
        self.broken = ""
        self._text = ""
        self._at = 0  # text before has been searched
        self._needed = 0
        self._effort = _Effort()

    @property
    def is_within_value(self) -> bool:
        """Return whether the text so far ends within a value."""
        return bool(self._text)

    def read(self, piece: str, *, is_last: bool = False) -> Iterator[Found]:
        """Yield what is complete; after the last piece, everything."""
        self._text += piece
        self._effort.add(piece)
        if len(self._text) < self._needed and not is_last:
            return
        text = _ANSI.sub("", self._text) if "\x1b" in self._text else self._text
        begin, at = 0, min(self._at, len(text))
        self._needed = self._at = 0
        while (at := text.find("{", at)) >= 0:
            try:
                value = _value_at(text, at, begin, self._effort, is_last=is_last)
            except _Incomplete:
                if len(text) - at < _LIMIT:
                    # Reading twice as much before the next try keeps the work proportional to the text.
                    self._text, self._at, self._needed = text[begin:], at - begin, 2 * (len(text) - at)
                    return
                value = None
            except RecursionError:
                self._effort.spend(_WINDOW)
                end = text.find("\n", at)
                at = end if end >= 0 else len(text)
                continue
            if value is None:
                event = _EVENT.match(text, at)
                if event and event[1] in event_types():
                    self.broken_count += 1
                    self.broken = self.broken or text[at : at + _SHOWN].partition("\n")[0] + "…"
                at += 1
                continue
            yield Found(text[begin : value.begin], text[value.begin : value.end], value.value, value.raw)
            begin = at = value.end
        self._text = ""
        if begin < len(text):
            yield Found(text[begin:])


def json_text(value: Any) -> str:
    """Return a decoded value as JSON text."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a lone surrogate, a number beyond 64 bits
        return json.dumps(value, separators=(",", ":"))


def _value_at(text: str, at: int, begin: int, effort: _Effort, *, is_last: bool) -> _Value | None:
    """Decode the object at `at`, in one of the notations; None if it is not one. Nothing before `begin` belongs to it.

    Raises `_Incomplete`, and `RecursionError` if it is nested too deeply.
    """
    if text.startswith('{"t":', at) and (journaled := _journal_line(text, at)):
        return journaled
    quote = text[at - 1] if at > begin else ""
    limit = at + effort.limit(_OTHER_LIMIT)
    is_open = limit > len(text) and not is_last  # the text that is searched may go on
    if quote == "'":
        literal = _LITERAL.match(text, at - 1, limit)
        if literal is None:
            line_end = text.find("\n", at, limit)
            effort.spend((line_end if line_end >= 0 else min(limit, len(text))) - at)
            if is_open and line_end < 0:
                raise _Incomplete
        if literal and "\\" in literal[0]:
            is_bytes = at - 1 > begin and text[at - 2] == "b"
            return _inner(at, literal.end(), _evaluated(("b" if is_bytes else "") + literal[0]))
    if quote == '"' and text[at + 1 : at + 40].lstrip().startswith('""'):
        if (cell := _CSV.match(text, at - 1, limit)) and not (cell[0].endswith('""') and is_open):
            value = _inner(at, cell.end(), cell[0][1:-1].replace('""', '"'))
            effort.spend(0 if value else cell.end() - at)
            return value
        if is_open:
            raise _Incomplete
        effort.spend(min(limit, len(text)) - at)
        return None
    if text.startswith('{\\"', at):
        escaped = _ESCAPED.match(text, at, limit)
        if escaped is None:
            return None
        if escaped.end() == len(text) and is_open:
            raise _Incomplete
        value = _inner(at, escaped.end(), _evaluated(f'"{escaped[0]}"'))
        effort.spend(0 if value else escaped.end() - at)
        return value
    following = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]  # it matches everywhere
    first = text[following : following + 1]
    if not first and not is_last:
        raise _Incomplete
    if first == "'":
        return _python_dict(text, at, limit, effort, is_open=is_open)
    if first == '"' and (decoded := _json(text, at, effort, is_last=is_last)):
        return decoded
    return _behind_prefixes(text, at, begin, limit, effort, is_open=is_open)


def _json(text: str, at: int, effort: _Effort, *, is_last: bool) -> _Value | None:
    limit, size = max(effort.limit(_LIMIT), _WINDOW), _WINDOW
    while True:
        try:
            value, end = _DECODER.raw_decode(text[at : at + size])
            return _Value(at, at + end, value, text[at : at + end])
        except json.JSONDecodeError as error:
            length = min(size, len(text) - at)
            is_cut = error.pos >= length - 6 or error.msg.startswith("Unterminated string")
            if is_cut and size < limit and at + size < len(text):
                size = min(8 * size, limit)
                continue
            if is_cut and at + size >= len(text) and not is_last:
                raise _Incomplete from error
            effort.spend(error.pos)
            return None


def _journal_line(text: str, at: int) -> _Value | None:
    end = text.find("\n", at)
    line = text[at : end if end >= 0 else len(text)].rstrip("\r")
    event = event_line(line.encode("utf-8", "replace"))
    if event is None or event[0] >= 2**63:
        return None
    return _Value(at, at + len(line), {"t": event[0], "elapsed_ns": event[1], "frame": event[2]}, "")


def _inner(begin: int, end: int, text: str | None) -> _Value | None:
    """Decode an object that stands in a text of its own, and after which that may go on."""
    if text is None:
        return None
    try:
        value, inner_end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        return None
    return _Value(begin, end, value, text[:inner_end]) if isinstance(value, dict) else None


def _evaluated(literal: str) -> str | None:
    """Return the text of a quoted literal: of JSON, or of Python as text or bytes."""
    for decode in (json.loads, ast.literal_eval):
        try:
            text = decode(literal)
            return text.decode() if isinstance(text, bytes) else str(text)
        except (ValueError, SyntaxError, MemoryError):
            continue
    return None


def _python_dict(text: str, at: int, limit: int, effort: _Effort, *, is_open: bool) -> _Value | None:
    depth = 0
    for token in _TOKEN.finditer(text, at, limit):
        depth += (token[0] in "{[(") - (token[0] in "}])")
        if not depth:
            with suppress(ValueError, SyntaxError, MemoryError, TypeError):
                value = ast.literal_eval(text[at : token.end()])
                if isinstance(value, dict):
                    return _Value(at, token.end(), value, json_text(value))
            effort.spend(token.end() - at)
            return None
    if is_open:
        raise _Incomplete
    effort.spend(min(limit, len(text)) - at)
    return None


def _behind_prefixes(text: str, at: int, begin: int, limit: int, effort: _Effort, *, is_open: bool) -> _Value | None:
    """Decode an object over several lines, each after a prefix of the same form: `Nov 14 22:13:20 pbx app[7]: `."""
    line = max(text.rfind("\n", 0, at) + 1, begin)
    prefix, end = text[line:at], text.find("\n", at)
    if not prefix.strip() or end < 0 or text[at + 1 : end].strip():
        return None
    form = re.compile(re.sub(r"\d+", r"\\d+", re.escape(prefix.rstrip())) + r" ?")
    lines = [text[at:end]]
    while match := form.match(text, end + 1):
        end = text.find("\n", match.end())
        if end < 0:
            if is_open:
                raise _Incomplete
            end = len(text)
        lines.append(text[match.end() : end])
        if lines[-1].startswith("}"):
            value = _inner(at, end, "\n".join(lines))
            effort.spend(0 if value else end - at)
            return value
        if end > limit:
            break
    if end + 1 >= len(text) and is_open:
        raise _Incomplete
    effort.spend(end - at)
    return None
