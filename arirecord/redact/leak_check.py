"""The leak check: search a sealed session for every original.

It decodes with other code than the redaction (Python's own JSON and URL functions), so that one does not hide the
other's fault.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, unquote_plus

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import columns_of, event_types
from arirecord.session.row_groups import grouped_batches, opened
from arirecord.session.seal import Progress

from .mask_dtmf import MASK
from .number_finder import Finder, NumberMatch
from .word_index import WordIndex

__all__ = ["find_leaks"]

_DEPTH = 6
_REMEMBERED = 200_000
_MOST = 20
_LONG = 300
_BASE64 = 16
_LETTERS = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def find_leaks(
    path: Path,
    numbers: Collection[str],
    words: Collection[str],
    callers: Collection[str],
    *,
    finder: Finder,
    no_digits: bool,
    progress: Progress,
) -> Iterator[str]:
    """Return a sentence for each place with an original, twenty at most.

    `numbers` (digits only) are searched where `finder` reads digits as a number, `words` in all texts, `callers`
    as whole values of the columns with callers' names. With `no_digits` every key must be masked.
    """
    return islice(_Search(numbers, words, callers, finder, no_digits).search(path, progress), _MOST)


class _Search:
    def __init__(
        self,
        numbers: Collection[str],
        words: Collection[str],
        callers: Collection[str],
        finder: Finder,
        no_digits: bool,
    ) -> None:
        self._numbers = set(numbers)
        self._lengths = sorted({len(number) for number in numbers}, reverse=True)
        self._words = WordIndex(words)
        self._callers = pa.array([*callers, *words], pa.string())
        self._finder = finder
        self._no_digits = no_digits
        self._clean: set[str] = set()

    def search(self, path: Path, progress: Progress) -> Iterator[str]:
        with opened(path) as file:
            for key, value in (file.metadata.metadata or {}).items():
                for what in self._in_text(f"{key.decode()} {value.decode()}") + self._in_text(value.decode()):
                    yield f"{what} in the header"
            count = 0
            for batch in grouped_batches(file, 4096, file.schema_arrow.names):
                for name in batch.schema.names:
                    yield from self._in_column(name, batch[name], batch)
                count += batch.num_rows
                progress("checking", count)

    def _in_column(self, name: str, column: pa.Array, batch: pa.RecordBatch) -> Iterator[str]:
        if pa.types.is_list(column.type):
            column = column.flatten()
        if not pa.types.is_string(column.type):
            return
        if name in _caller_names() and pc.any(pc.is_in(column, self._callers), min_count=0).as_py():
            yield f"a caller's name in {name}"
        if self._no_digits and name == "digit" and pc.any(pc.not_equal(column, MASK), min_count=0).as_py():
            yield "a key in digit"
        for text in pc.unique(column).drop_null().to_pylist():
            for what in self._in_text(text):
                where = pc.index(batch[name], text).as_py() if name == "raw" else -1
                yield f"{what} in {name}" + (f", row {batch['seq'][where].as_py()}" if where >= 0 else "")

    def _in_text(self, text: str) -> list[str]:
        found: Counter[str] = Counter()
        self._read(text, _DEPTH, found)
        return list(found)

    def _read(self, text: str, depth: int, found: Counter[str]) -> None:
        """Search a text, also with JSON, percent signs or base64 decoded."""
        before = found.total()
        # All content of a frame is in its strings: the whole text gets only a quick check.
        if text[:1] != "{" or self._finder.may_hold(text, self._numbers):
            found.update(f"a number of {len(f.digits)} digits" for f in self._known(text))
            found.update("a name" for _ in self._words.find(text))
        if depth:
            for reading in _undone(text):
                if reading not in self._clean:
                    self._read(reading, depth - 1, found)
        if len(text) < _LONG and found.total() == before:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add(text)

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
    if "%" in text:
        yield from _changed(text, unquote(text), unquote_plus(text), unquote(text, "latin-1"))
    elif "+" in text:
        yield text.replace("+", " ")
    if len(text) >= _BASE64 and len(text) % 4 == 0 and text.isascii() and _LETTERS.fullmatch(text):
        with suppress(ValueError):
            yield base64.b64decode(text, validate=True).decode("latin-1")


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
                if isinstance(inner, int) and not isinstance(inner, bool):
                    yield f'"{key}":{inner}'
                elif isinstance(inner, str) and inner.isdecimal():
                    yield f'"{key}":"{inner}"'
                else:
                    waiting.append(inner)
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str):
            yield item


def _caller_names() -> frozenset[str]:
    return frozenset(
        c.name for t in event_types() for c in columns_of(t) if (c.model, c.path[-1]) == ("CallerID", "name")
    )
