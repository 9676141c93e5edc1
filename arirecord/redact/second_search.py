"""A second search for originals, that shares no code with the redaction: it looks at digits alone and letters alone."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator

__all__ = ["SecondSearch"]

_MIN_DIGITS = 9
"""Shorter numbers also occur by chance in ids and times."""
_RUN = re.compile(r"\d(?:[\W_]{0,6}\d)*")
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?<![\w.])1\d{9}\.\d+(?![\w.])")
"""UUIDs and ids of channels, which stay even if their digits are those of a number."""
_MIN_LETTERS = 8
_BEGIN = 5


class SecondSearch:
    """Finds numbers whatever separates their digits, and names of several words, and the long ones of these words,
    whatever separates their letters.
    """

    def __init__(self, numbers: Collection[str], names: Collection[str]) -> None:
        self._numbers = {number for number in numbers if len(number) >= _MIN_DIGITS}
        self._lengths = sorted({len(number) for number in self._numbers})
        self._names: dict[str, set[str]] = defaultdict(set)
        for name in names:
            words = re.split(r"[\W_]+", name)
            for ordered in (words, words[::-1], *map(list, zip(words, strict=True))) if len(words) > 1 else ():
                letters = _letters("".join(ordered))
                if len(letters) >= _MIN_LETTERS:
                    self._names[letters[:_BEGIN]].add(letters)

    def find(self, text: str) -> Iterator[str]:
        """Yield the kind of each original in a decoded text."""
        runs = _RUN.findall(_ID.sub("id", unicodedata.normalize("NFKC", text))) if self._numbers else ()
        if any(map(self._has_number, runs)):
            yield "a number by its digits"
        if self._names and self._has_name(_letters(text)):
            yield "a name by its letters"

    def _has_number(self, run: str) -> bool:
        digits = "".join(str(unicodedata.digit(character)) for character in run if character.isdecimal())
        return any(
            digits[begin : begin + length] in self._numbers
            for length in self._lengths
            for begin in range(len(digits) - length + 1)
        )

    def _has_name(self, letters: str) -> bool:
        return any(
            letters.startswith(name, begin)
            for begin in range(len(letters) - _MIN_LETTERS + 1)
            for name in self._names.get(letters[begin : begin + _BEGIN], ())
        )


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(filter(str.isalnum, plain))
