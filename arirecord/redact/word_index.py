"""Find any of many names in a text, in any spelling: case, accents, separators and the order of the words vary."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["NameMatch", "WordIndex", "name_keys", "words_of"]

_ASCII_WORD = re.compile(r"[^\W_]+")
_WORD = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+")
_LONG_DIGITS = re.compile(r"\d{7}")
_WORD_OR_DIGITS = re.compile(r"\d{7,}|(?:(?!\d{7})[^\W_][\u0300-\u036f]*)+")
_GAP = 3
"""Maximum number of characters between two words of one name."""
_JOINED = 6
"""Minimum number of letters of a name that is found without its spaces (`MiaMuster`)."""
_BASE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def words_of(text: str) -> list[re.Match[str]]:
    """Return the words of a text. Seven digits or more are a word of their own: a number can touch a name."""
    if _LONG_DIGITS.search(text):
        return list(_WORD_OR_DIGITS.finditer(text))
    return list((_ASCII_WORD if text.isascii() else _WORD).finditer(text))


def name_keys(name: str) -> set[tuple[str, ...]]:
    """Return the forms of a name that all its spellings have in common: its words without case and accents, sorted."""
    words = [match[0] for match in words_of(name)]
    umlauts = [unicodedata.normalize("NFC", word).casefold().translate(_UMLAUTS) for word in words]
    return {tuple(sorted(map(_folded, words))), tuple(sorted(map(_folded, umlauts)))} - {()}


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A `name`, and each part of it in the text: `(start, end)` and the indexes of the name's words there."""

    name: str
    parts: tuple[tuple[int, int, tuple[int, ...]], ...]


class WordIndex:
    """Names to find as whole words, the longest first.

    exact: those of `names` to find only as they are written.
    fixed: texts that hold no name, such as the keys of ARI.
    """

    def __init__(self, names: Iterable[str], exact: Collection[str] = (), fixed: Collection[str] = ()) -> None:
        self._by_word: dict[str, list[tuple[str, list[str], bool]]] = {}
        self._fixed = fixed
        for name in sorted(names, key=len, reverse=True):
            words = [match[0] for match in words_of(name)]
            umlauts = [unicodedata.normalize("NFC", word).casefold().translate(_UMLAUTS) for word in words]
            forms = [list(map(_folded, words))]
            if (other := list(map(_folded, umlauts))) != forms[0]:
                forms.append(other)
            for form in forms:
                for word in dict.fromkeys(form[:1] if name in exact else form):
                    self._by_word.setdefault(word, []).append((name, form, name in exact))
                joined = "".join(form)
                if name not in exact and len(form) > 1 and len(joined) >= _JOINED:
                    for word in {joined, "".join(reversed(form))}:
                        self._by_word.setdefault(word, []).append((name, [word], False))

    def find(self, text: str) -> Iterator[NameMatch]:
        """Yield each occurrence, in order, without overlaps."""
        if not self._by_word or text.strip('"') in self._fixed:
            return
        words: list[re.Match[str]] = []
        folded: list[str] = []
        done = -1
        for index, match in enumerate((_ASCII_WORD if text.isascii() else _WORD).finditer(text)):
            word = match[0].lower() if match[0].isascii() else _folded(match[0])
            if word not in self._by_word or index <= done:
                continue
            if not words:
                words = words_of(text)
                folded = [_folded(match[0]) for match in words]
            for name, form, is_exact in self._by_word[word]:
                if name_match := _match(text, words, folded, index, name, form, is_exact=is_exact):
                    yield name_match
                    done = index + len(form) - 1
                    break


def _match(
    text: str, words: list[re.Match[str]], folded: list[str], index: int, name: str, form: list[str], *, is_exact: bool
) -> NameMatch | None:
    here = words[index : index + len(form)]
    begin = here[0].start() - words_of(name)[0].start()
    is_written = begin >= 0 and text.startswith(name, begin)
    if sorted(folded[index : index + len(form)]) != sorted(form) or (is_exact and not is_written):
        return None
    for first, second in pairwise(here):
        gap = text[first.end() : second.start()]
        if not is_written and (len(gap) > _GAP or ":" in gap or gap == '","'):
            return None
    own = words_of(name)
    if len(form) < len(own):
        order = tuple(range(len(own)))
        is_reversed = form[0] == "".join(_folded(match[0]) for match in reversed(own))
        return NameMatch(name, ((*here[0].span(), order[::-1] if is_reversed else order),))
    left = list(range(len(form)))
    parts = []
    for match, word in zip(here, folded[index : index + len(form)], strict=True):
        which = next(i for i in left if form[i] == word)
        left.remove(which)
        parts.append((*match.span(), (which,)))
    return NameMatch(name, tuple(parts))


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(_BASE)
