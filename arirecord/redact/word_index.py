"""Find any of many names in a text, as whole words."""

import re
from collections.abc import Iterable, Iterator

__all__ = ["WordIndex"]

_WORD = re.compile(r"[^\W_]+")


class WordIndex:
    """Names to find as whole words, the longest first."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_word: dict[str, list[tuple[str, int]]] = {}
        for name in sorted(names, key=len, reverse=True):
            if word := _WORD.search(name):
                self._by_word.setdefault(word[0], []).append((name, word.start()))

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield `(start, end, name)` of each occurrence, in order, without overlaps."""
        if not self._by_word:
            return
        done = 0
        for match in _WORD.finditer(text):
            for name, offset in self._by_word.get(match[0], ()):
                start = match.start() - offset
                end = start + len(name)
                if start >= done and text.startswith(name, start) and _is_whole(text, start, end):
                    yield start, end, name
                    done = end
                    break


def _is_whole(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() and text[start].isalnum()) and not (
        text[end : end + 1].isalnum() and text[end - 1].isalnum()
    )
