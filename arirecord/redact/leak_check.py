"""The leak check: search a sealed session for every original.

It decodes with other code than the redaction (Python's own JSON and URL functions) and searches in two ways, one of
which shares no code with it, so that one does not hide the other's fault.
"""

import base64
import json
import quopri
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from html import unescape
from pathlib import Path
from urllib.parse import unquote, unquote_plus

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import columns_of, event_types
from arirecord.session.seal import Progress
from arirecord.session.stored_rows import grouped_batches, opened

from .mask_dtmf import MASK
from .number_finder import Finder, NumberMatch
from .second_search import SecondSearch
from .unescape import cut, key_of
from .word_index import WordIndex

__all__ = ["Leak", "LeakSearch"]

_SCHEMA = b"ARROW:schema"
"""Written by pyarrow: the names of the columns."""
_DEPTH = 6
_REMEMBERED = 200_000
_LONG = 300
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}(?![A-Za-z0-9+/_-])={0,2}")
_PRINTABLE = bytes(range(32, 127))
_ADDRESS = re.compile(r"[\w.%+@:-]{2,}")
_LINE_END = re.compile(r"(?<=[A-Za-z0-9+/])\r?\n(?=[A-Za-z0-9+/])")
_ESCAPED_BYTE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2}))")
_LABEL = re.compile("xn--([A-Za-z0-9-]+)")
_BASE32 = re.compile(r"[A-Z2-7]{16,}")
_MAX_BYTES = 1 << 20
_SPLIT_HEX = re.compile(r"(?<!\w)[0-9a-fA-F]{2}(?:[ :-][0-9a-fA-F]{2}){6,}(?!\w)")
_HEX = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}){7,}(?![0-9a-fA-F])")


@dataclass(frozen=True)
class Leak:
    """An original that is left: a sentence for it, and the `rows` (`seq`) that hold it; none if it is in the header."""

    sentence: str
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.sentence


class LeakSearch:
    """Searches for originals.

    `numbers` (digits only) are searched where `finder` reads digits as a number, `words` in all texts, `callers`
    as whole values of the columns with callers' names, `patterns` (e-mail and network addresses) as words, `names`
    also by their letters alone. With `no_digits` every key must be masked.
    """

    def __init__(
        self,
        numbers: Collection[str],
        words: WordIndex,
        callers: Collection[str],
        patterns: Set[str],
        names: Collection[str],
        *,
        finder: Finder,
        no_digits: bool,
    ) -> None:
        self._numbers = set(numbers)
        self._lengths = sorted({len(number) for number in numbers}, reverse=True)
        self._words = words
        self._callers = pa.array(list(callers), pa.string())
        self._patterns = patterns
        self._second = SecondSearch(numbers, names)
        self._finder = finder
        self._no_digits = no_digits
        self._clean: set[str] = set()

    def search(self, path: Path, progress: Progress) -> Iterator[Leak]:
        """Yield each place of a sealed session with an original."""
        with opened(path) as file:
            for key, value in (file.metadata.metadata or {}).items():
                if key != _SCHEMA:
                    yield from (Leak(f"{what} in the header") for what in self._in_text(value.decode()))
            count = 0
            for batch in grouped_batches(file, 4096, file.schema_arrow.names):
                for name in batch.schema.names:
                    yield from self._in_column(name, batch[name], batch)
                count += batch.num_rows
                progress("checking", count)

    def _in_column(self, name: str, column: pa.Array, batch: pa.RecordBatch) -> Iterator[Leak]:
        def leak(what: str, holds: pa.Array) -> Leak:
            rows = tuple(batch["seq"].filter(holds).to_pylist()) if len(holds) == batch.num_rows else ()
            return Leak(what + (f", row {rows[0]}" if rows else ""), rows)

        if pa.types.is_list(column.type):
            column = column.flatten()
        if not pa.types.is_string(column.type):
            return
        if name in _caller_names() and pc.any(pc.is_in(column, self._callers), min_count=0).as_py():
            yield leak(f"a caller's name in {name}", pc.is_in(column, self._callers))
        if self._no_digits and name == "digit" and pc.any(pc.not_equal(column, MASK), min_count=0).as_py():
            yield leak("a key in digit", pc.not_equal(column, MASK))
        for text in pc.unique(column).drop_null().to_pylist():
            for what in self._in_text(text):
                yield leak(f"{what} in {name}", pc.equal(column, text))

    def finds(self, text: str) -> bool:
        """Return whether a text holds an original."""
        return bool(self._in_text(text))

    def masked(self, raw: str) -> str:
        """Mask each string of a frame, which is JSON, that holds an original."""
        pieces = cut(raw) or []
        for index in range(1, len(pieces), 2):
            piece = pieces[index]
            place = key_of(pieces, index) if piece.isdecimal() else ""
            if self._in_text(f'{{"{place}":"{piece}"}}' if place else f'"{piece}"'):
                pieces[index] = MASK
        return '"'.join(pieces)

    def _in_text(self, text: str) -> list[str]:
        leaks: Counter[str] = Counter()
        self._read(text, _DEPTH, leaks)
        return list(leaks)

    def _read(self, text: str, depth: int, leaks: Counter[str]) -> None:
        """Search a text, also with JSON, percent signs or base64 decoded."""
        before = leaks.total()
        # All content of a frame is in its strings: the whole text gets only a quick check.
        if text[:1] != "{" or self._finder.may_hold(text, self._numbers):
            leaks.update(f"a number of {len(f.digits)} digits" for f in self._known(text))
            leaks.update("a name" for _ in self._words.find(text))
        if text[:1] not in ("{", "[", '"'):
            leaks.update(self._second.find(text))
        if self._patterns:
            leaks.update("an address" for word in _ADDRESS.findall(text.casefold()) if self._is_pattern(word))
        if depth:
            for reading in _undone(text):
                if reading not in self._clean:
                    self._read(reading, depth - 1, leaks)
        if len(text) < _LONG and leaks.total() == before:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add(text)

    def _is_pattern(self, word: str) -> bool:
        return not self._patterns.isdisjoint((word, word.strip(".:-"), word.rpartition("mailto:")[2]))

    def _known(self, text: str) -> Iterator[NumberMatch]:
        return self._finder.known(text, self._numbers, self._lengths)


def _undone(text: str) -> Iterator[str]:
    if text[:1] in ("{", "[", '"'):
        with suppress(ValueError, RecursionError):
            yield from _strings(json.loads(text))
            return
    if "\\" in text:
        with suppress(ValueError):
            yield from _changed(text, json.loads('"' + text.replace('\\"', '"').replace('"', '\\"') + '"'))
        data = _ESCAPED_BYTE.sub(lambda byte: bytes([int(byte[1] or byte[2], 16 if byte[1] else 8)]), text.encode())
        yield from _changed(text, data.decode("utf-8", "replace"))
    if "%" in text:
        yield from _changed(text, unquote(text), unquote_plus(text), unquote(text, "latin-1"))
        yield from _changed(text, unescape(re.sub("%u([0-9a-fA-F]{4})", r"&#x\1;", text)))
    if "=" in text:
        data = quopri.decodestring(text.encode())
        yield from _changed(text, data.decode("utf-8", "replace"), data.decode("latin-1"))
    if "xn--" in text:
        with suppress(ValueError):
            yield _LABEL.sub(lambda label: label[1].encode().decode("punycode"), text)
    if "=?" in text:
        with suppress(ValueError, LookupError, HeaderParseError):
            yield from _changed(text, str(make_header(decode_header(text))))
    if "&" in text:
        yield from _changed(text, unescape(text))
    if "+" in text and "%" not in text:
        yield text.replace("+", " ")
    for match in _BASE64.finditer(_LINE_END.sub("", text)):
        bare = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        with suppress(ValueError):
            yield from _printed(base64.b64decode(bare + "=" * (-len(bare) % 4)))
    for match in _BASE32.finditer(text):
        with suppress(ValueError):
            yield from _printed(base64.b32decode(match[0] + "=" * (-len(match[0]) % 8)))
    for match in (*_HEX.finditer(text), *_SPLIT_HEX.finditer(text)):
        yield from _printed(bytes.fromhex(re.sub(r"\W", "", match[0])))


def _printed(data: bytes) -> Iterator[str]:
    """Yield bytes as text if most of them are, or if they are UTF-8 without control characters."""
    if data[:1] in (b"\x1f", b"\x78"):
        with suppress(zlib.error):
            data = zlib.decompressobj(47).decompress(data, _MAX_BYTES)  # gzip or zlib
    if data.count(0) * 3 >= len(data):  # mostly ASCII, as UTF-16 or UTF-32
        for charset in ("utf-16-le", "utf-16-be"):
            yield data.decode(charset, "replace").replace("\0", "")
        return
    if len(data.translate(None, _PRINTABLE)) <= len(data) // 5:
        yield data.decode("utf-8", "replace")
    else:
        with suppress(UnicodeDecodeError):
            text = data.decode()
            if all(character.isspace() or unicodedata.category(character) != "Cc" for character in text):
                yield text


def _changed(text: str, *readings: str) -> Iterator[str]:
    return (reading for reading in readings if reading != text)


def _strings(value: object) -> Iterator[str]:
    """Yield all texts in a JSON value, keys too; digits alone follow their key, which decides their meaning."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            for key, inner in item.items():
                yield key
                if isinstance(inner, (int, float)) and not isinstance(inner, bool):
                    yield f'"{key}":{inner}'
                elif isinstance(inner, str) and inner.isdecimal():
                    yield f'"{key}":"{inner}"'
                else:
                    waiting.append(inner)
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, (str, int, float)):
            yield str(item)


def _caller_names() -> frozenset[str]:
    return frozenset(
        c.name for t in event_types() for c in columns_of(t) if (c.model, c.path[-1]) == ("CallerID", "name")
    )
