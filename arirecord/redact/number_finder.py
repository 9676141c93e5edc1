"""Find phone numbers in a text, and distinguish them from ids, times, ports and lengths."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from string import ascii_letters

from arirecord.asterisk.catalogue import columns_of, event_types, models
from arirecord.session.rows import OWN_COLUMNS

__all__ = ["MAX_DIGITS", "SHORT", "STAMP", "Finder", "NumberMatch"]

MAX_DIGITS = 15
"""Digits of an international number (ITU-T E.164)."""
SHORT = 7
"""Shorter digits are checked more strictly: lengths, ports and counters look the same."""
_WINDOW = 9
"""From this number of digits on, a number is also found inside a longer run of digits."""

# Excludes the most common digits that are not numbers: a date before T, the id of a channel.
_NONE = r"(?![12][0-9]{3}-[01][0-9]-[0-3][0-9]T|[12][0-9]{9}\.[0-9]+(?![0-9.]))"
_GROUPS = re.compile(rf"(?<![0-9]){_NONE}[0-9]+(?:[\s().\-/]{{1,3}}[0-9]+)+(?![0-9])")
_SPREAD = re.compile(rf'(?<![0-9]){_NONE}[0-9]+(?:(?:(?:[^\w"]|_){{1,6}}|",\s?")[0-9]+)+(?![0-9])')
STAMP = re.compile(r'"?[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-9:.]+(?:Z|[ +-][0-9:]+)"?')
"""The time of an event, also read as in a URL."""
_MAX_GROUPS = 20
"""So many groups have more digits than a number."""
_GLUED = 10
"""From this number of digits on, digits that letters touch are a number."""
_EXTENSION = re.compile(r"x[0-9]")
_HEX = re.compile(r"[0-9a-fA-F]+")
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_APART = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}([-/. ])[01]?[0-9]\1[0-3]?[0-9]|[0-3]?[0-9]([-/.])[0-3]?[0-9]\2(?:19|20)[0-9]{2}"
    r"|[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:[ +-][0-9]{2}:?[0-9]{2})?"
    r"|(?<![0-9]\.)(?:(?:1?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])\.){3}(?:1?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])(?!\.?[0-9]))(?![0-9])"
)
"""Dates, times and IPv4 addresses."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_CHANNEL = re.compile(r"[A-Za-z0-9_]+/[^\s,;&|\"<>()]*-$")
_MEMBER = re.compile(r'"([^"]*)"\s*:\s*-?$')
_PERSONAL = re.compile(r"phone|tel|mobile|cell|msisdn|number|caller|callee|^an?i$|^cli|card|^pan$", re.IGNORECASE)
"""Keys of an app's own JSON whose numbers are personal."""
_OPENS = re.compile(r'"([^"]*)"\s*:\s*"$')
_ACCESS = re.compile(r"00[1-9 ()\-/]")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+|[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_DATE = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")
_MEASURE = re.compile(
    r"(?:port|expires|length|timeout|duration|seconds|ttl|forwards|cseq|priority|ssrc|count|octets|rtt|jitter)\W{1,3}$",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:sips?|tel|pjsip|iax2?|local):$", re.IGNORECASE)
_TEXTUAL = frozenset({"id", "port", "time", "roundtrip_usec", "digit", "request_id", "transaction_id", "timestamp"})


@cache
def _numeric() -> frozenset[str]:
    """Return the names of fields that ARI declares to be numbers: durations, causes, priorities."""
    kinds = ("int64", "double", "bool")
    named = {c.path[-1] for t in event_types() for c in columns_of(t) if c.type in kinds}
    named |= {
        f for fields in models().values() for f, t in fields.items() if t.rstrip("?") in ("int", "long", "double")
    }
    return frozenset(named | _own_numeric())


@cache
def _own_numeric() -> frozenset[str]:
    """Return the names of numbers in the rows that arirecord writes."""
    kinds = ("int64", "double", "bool")
    return frozenset(n for columns in OWN_COLUMNS.values() for n, kind in columns.items() if kind in kinds)


@dataclass(frozen=True, slots=True)
class NumberMatch:
    """Digits that can be a number: `digits`, and the `(start, end)` of each of its runs in the text."""

    digits: str
    runs: tuple[tuple[int, int], ...]


class Finder:
    """Finds numbers of `min_digits` or more. `first_at` and `last_at` are the time of the recording: counts of seconds
    and dates around that time are numbers only if they are known as such.
    """

    def __init__(self, min_digits: int, first_at: datetime, last_at: datetime) -> None:
        self.min_digits = min_digits
        self._since = first_at - timedelta(days=400)
        self._until = last_at + timedelta(days=400)
        self._runs = re.compile(rf"[0-9]{{{min_digits},}}")

    def known(self, text: str, numbers: Container[str], lengths: Collection[int]) -> Iterator[NumberMatch]:
        """Yield every occurrence of one of `numbers` (digits only) with these `lengths`, except digits that are
        recognisable as an id, a time or a measure.
        """
        if STAMP.fullmatch(text):
            return
        text = _in_ascii(text)
        for match in self._runs.finditer(text):
            start, end = match.span()
            matches = [NumberMatch(match[0], (match.span(),))] if match[0] in numbers else []
            if not matches and end - start > _WINDOW:
                matches = list(_within(match[0], start, numbers, lengths))
            if matches and not self._is_other(text, start, end):
                yield from matches
        for match in _SPREAD.finditer(text):
            if match.end() - match.start() > SHORT and not _DECIMAL.fullmatch(match[0]):
                yield from _grouped(text, match, numbers, max(lengths, default=0))

    def may_hold(self, text: str, numbers: Collection[str]) -> bool:
        """Quick check: false if none of `numbers` is in the text as a separate run of digits."""
        return any(run in numbers for run in self._runs.findall(text))

    def plausible(self, text: str) -> Iterator[str]:
        """Yield the digits of whatever reads like a phone number, a card number (Luhn) or an IBAN: seven or more digits
        that stand alone, ten or more between letters, and groups of digits (`202-555-0122`).
        """
        if STAMP.fullmatch(text):
            return
        text = _in_ascii(text)
        for match in self._runs.finditer(text):
            start, end = match.span()
            if end - start >= SHORT and (self._stands_alone(text, start, end) or self._is_glued(text, start, end)):
                yield match[0]
        for match in _GROUPS.finditer(text):
            if match.end() - match.start() > SHORT and not _is_uuid(text, *match.span()):
                for runs in self._segments(text, match):
                    yield from _phone_numbers(text, runs)
        for match in _IBAN.finditer(text):
            if _is_iban(re.sub("[ -]", "", match[0])):
                yield from re.findall(r"[0-9]{7,}", re.sub("[ -]", "", match[0]))

    def _segments(self, text: str, match: re.Match[str]) -> Iterator[list[tuple[int, int]]]:
        """Split groups of digits at ids, times, dates, addresses, and at numbers without a separator."""
        apart = [gap.span() for gap in _APART.finditer(text, max(match.start() - 30, 0), match.end() + 30)]
        begins = [first for first, _ in apart]
        runs: list[tuple[int, int]] = []
        for group in re.finditer(r"[0-9]+", match[0]):
            start, end = match.start() + group.start(), match.start() + group.end()
            is_whole = end - start >= SHORT and not (runs and _is_international(text, runs[0][0]))
            if (
                is_whole
                or self._is_time(text[start:end])
                or ((place := bisect_right(begins, start)) and start < apart[place - 1][1])
                or (end - start == 8 and self._is_other(text, start, end))
            ):
                yield runs
                runs = []
            else:
                runs.append((start, end))
        yield runs

    def _is_glued(self, text: str, start: int, end: int) -> bool:
        """Return whether letters touch the digits, and the whole is not hexadecimal."""
        if end - start < _GLUED or not _is_length(text[start:end]):
            return False
        first, last = start, end
        while first and text[first - 1] in ascii_letters:
            first -= 1
        while last < len(text) and text[last] in ascii_letters:
            last += 1
        return (
            (first, last) != (start, end)
            and not text[first - 1 : first].isalnum()
            and not text[last : last + 1].isalnum()
            and not _HEX.fullmatch(text, first, last)
            and not self._is_time(text[start:end])
            and not self._is_other(text, start, end)
        )

    def _stands_alone(self, text: str, start: int, end: int) -> bool:
        before, after = text[start - 1 : start], text[end : end + 1]
        digits = text[start:end]
        return (
            _is_length(digits)
            and not before.isalnum()
            and not after.isalnum()
            and not (before == "." and text[start - 2 : start - 1].isdigit())
            and not (after == "." and text[end + 1 : end + 2].isdigit())
            and not self._is_time(digits)
            and not self._is_other(text, start, end)
            and _is_personal_member(_MEMBER.search(text, max(start - 80, 0), start), digits)
            and not _MEASURE.search(text, max(start - 16, 0), start)
        )

    def _is_other(self, text: str, start: int, end: int) -> bool:
        """Return whether these digits are part of an Asterisk id, or a value that ARI does not declare as text."""
        length = end - start
        before, after = text[start - 1 : start], text[end : end + 2]
        if length == 10 and after[:1] == "." and after[1:].isdigit() and self._is_time(text[start:end]):
            return True  # 1795474657.12, the id of a channel
        if before == "." and self._is_time(text[max(start - 11, 0) : start - 1]):
            return True
        is_suffix = before == "-" and length == 8 and not after[:1].isalnum()
        if is_suffix and (text.startswith("00", start) or _CHANNEL.search(text, max(start - 120, 0), start)):
            return True  # PJSIP/alice-00000012
        if _is_uuid(text, start, end):
            return True
        member = _MEMBER.search(text, max(start - 80, 0), start)
        if member is not None and member[1] in (_numeric() if length < _WINDOW else _own_numeric()):
            return True
        return length < SHORT and _is_measure(text, start, end, is_member=bool(member))

    def _is_time(self, digits: str) -> bool:
        scale = {10: 0, 13: 3, 16: 6, 19: 9}.get(len(digits))
        if not digits.isdecimal():
            return False
        if scale is not None:
            return bool(self._since.timestamp() <= int(digits) / 10**scale <= self._until.timestamp())
        form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
        try:
            return bool(form and self._since <= _moment(digits, form) <= self._until)
        except ValueError:
            return False


def _grouped(text: str, match: re.Match[str], numbers: Container[str], longest: int) -> Iterator[NumberMatch]:
    """Join groups: `123 456-789` is the number 123456789; the longest known sequence of groups counts."""
    if _DATE.match(match[0]) or _is_uuid(text, *match.span()):
        return
    runs = [(match.start() + m.start(), match.start() + m.end()) for m in re.finditer(r"[0-9]+", match[0])]
    first = 0
    while first < len(runs):
        number = None
        digits = ""
        for last in range(first, len(runs)):
            digits += text[runs[last][0] : runs[last][1]]
            if len(digits) > longest:
                break
            if last > first and len(digits) >= SHORT and digits in numbers:
                number = NumberMatch(digits, tuple(runs[first : last + 1]))
        if number:
            yield number
        first += len(number.runs) if number else 1


def _phone_numbers(text: str, runs: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Yield the digits of groups that read like one number, or like several in a row."""
    first, left = 0, sum(end - start for start, end in runs)
    while left >= SHORT and len(runs) - first >= 2:
        groups = [text[start:end] for start, end in runs[first : first + _MAX_GROUPS]]
        count, digits = len(groups), "".join(groups)
        if len(digits) < left or not _is_length(digits):
            prefixes = ["".join(groups[:n]) for n in range(count)]
            cards = (n for n, prefix in enumerate(prefixes) if _is_card(prefix))
            count = next(cards, 0) or next((n for n, prefix in enumerate(prefixes) if len(prefix) >= _WINDOW), count)
            digits = "".join(groups[:count])
        if _is_phone_number(text, runs[first][0], runs[first + count - 1][1], digits, count):
            yield digits
        first, left = first + count, left - len(digits)


def _is_phone_number(text: str, start: int, end: int, digits: str, count: int) -> bool:
    """Return whether `digits`, which are `count` groups in this part of the text, read like one number."""
    is_spelled = len(digits) == count and 9 <= count <= 12
    is_sparse = len(digits) < 2 * count and not _is_international(text, start) and not is_spelled
    is_in_word = text[start - 1 : start].isalnum() or (
        text[end : end + 1].isalnum() and not _EXTENSION.match(text, end)
    )
    return (
        not is_sparse
        and not is_in_word
        and not all(_DECIMAL.fullmatch(part) for part in text[start:end].split())
        and not _MEASURE.search(text, max(start - 16, 0), start)
    )


def _is_international(text: str, start: int) -> bool:
    return "+" in text[max(start - 2, 0) : start] or bool(_ACCESS.match(text, start))


def _is_personal_member(member: re.Match[str] | None, digits: str) -> bool:
    """Return whether digits can be a person's: they are not a number in JSON, or are one with such a key."""
    return member is None or (member[1] not in _numeric() and (bool(_PERSONAL.search(member[1])) or _is_card(digits)))


def _is_length(digits: str) -> bool:
    """Return whether a phone number or a card number has this many digits."""
    return len(digits) <= MAX_DIGITS + 2 * digits.startswith("00") or _is_card(digits)


def _is_card(digits: str) -> bool:
    """Return whether the digits are a payment card number (ISO/IEC 7812): 13 to 19 digits with Luhn's check digit."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [int(digit) * (1 + i % 2) for i, digit in enumerate(reversed(digits))]
    return sum(n - 9 * (n > 9) for n in doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """Return whether the check digits of an account number are right (ISO 13616)."""
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def _in_ascii(text: str) -> str:
    """Return the text with digits, spaces and dashes of Unicode as those of ASCII, character by character."""
    return text if text.isascii() else "".join(map(_ascii_character, text))


@lru_cache(maxsize=4096)
def _ascii_character(character: str) -> str:
    if character.isascii():
        return character
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1 and plain.isascii():
        return plain
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return {"Pd": "-", "Cf": " ", "Zs": " ", "Sm": "-"}.get(unicodedata.category(character), character)


def _is_uuid(text: str, start: int, end: int) -> bool:
    return any(m.start() < end and start < m.end() for m in _UUID.finditer(text, max(start - 36, 0), end + 36))


def _moment(digits: str, form: str) -> datetime:
    return datetime.strptime(digits, form).replace(tzinfo=UTC)


def _is_measure(text: str, start: int, end: int, *, is_member: bool) -> bool:
    """Return whether a few digits are a port, a length or a counter, not an extension."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if is_member or before.isalnum() or after.isalnum() or before in ("_", "%", "#") or after == "%":
        return True
    if "." in (before, after) or (before == "-" and text[end : end + 1] in ("-", "")):
        return True
    if before == ":" and not _SCHEME.search(text, max(start - 8, 0), start):
        return True
    opened = _OPENS.search(text, max(start - 80, 0), start)
    if opened and after == '"' and opened[1] in _TEXTUAL:
        return True
    return bool(_MEASURE.search(text, max(start - 16, 0), start))


def _within(run: str, at: int, numbers: Container[str], lengths: Collection[int]) -> Iterator[NumberMatch]:
    start = 0
    while start + _WINDOW <= len(run):
        for length in lengths:
            if _WINDOW <= length <= len(run) - start and run[start : start + length] in numbers:
                yield NumberMatch(run[start : start + length], ((at + start, at + start + length),))
                start += length - 1
                break
        start += 1
