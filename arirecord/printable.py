"""Text from a recording, a server or a file name, made safe for a terminal."""

import codecs
import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import IO, Any, TypeVar, cast

__all__ = ["SafeStream", "formula_safe", "printable", "printable_values"]

_T = TypeVar("_T")
_UNPRINTABLE = re.compile(r"[^ -~]")
"""Characters that need a closer look."""


_INVISIBLE = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks of Unicode without a form, which would hide that a name has a further character."""


@cache
def _is_printable(character: str) -> bool:
    return (character.isprintable() and character not in _INVISIBLE) or unicodedata.category(character) == "Zs"


def printable(text: str, keep: str = "") -> str:
    """Replace control characters, bidirectional and invisible characters and lone surrogates with U+FFFD.

    A caller chooses the display name: it must not move the cursor, set the clipboard or turn a line around.

    keep: characters that stay, such as line feeds.
    """
    return _UNPRINTABLE.sub(lambda match: match[0] if match[0] in keep or _is_printable(match[0]) else "\ufffd", text)


def printable_values(value: _T) -> _T:
    """Return a dataclass with all its strings printable, also those in fields that hold dataclasses or lists."""
    return cast("_T", _printable_values(value))


def _printable_values(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _printable_values(getattr(value, each.name)) for each in fields(value)})
    if isinstance(value, list | tuple):
        return type(value)(map(_printable_values, value))
    if isinstance(value, dict):
        return {printable(name): _printable_values(each) for name, each in value.items()}
    return value


def formula_safe(sql: str) -> str:
    """Return SQL for a text that begins with an apostrophe where a spreadsheet would take it for a formula."""
    return rf"regexp_replace({sql}, '^([=+\-@\t\r])', '''\1')"


class SafeStream:
    """A binary stream to a terminal: what is not printable is written as `\\u009b`, which JSON reads as the same."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes | memoryview) -> int:
        """Write UTF-8 text."""
        text = self._decoder.decode(bytes(data))
        self._stream.write(_UNPRINTABLE.sub(_escaped, text).encode())
        return len(data)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\n\t" or _is_printable(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
