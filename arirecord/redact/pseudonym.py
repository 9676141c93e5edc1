"""Pseudonyms of numbers: the same country, area and length, and all different."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import phonenumbers
from phonenumbers import shortnumberinfo

from arirecord.errors import ArirecordError

from .keyed_permutation import KeyedPermutation
from .word_index import WordIndex, name_keys, words_of

__all__ = ["is_service", "national_forms", "pseudonyms", "word_pseudonyms"]

_ATTEMPTS = 64
_STEPS = 1000
_PREFIX = 5
_SUFFIX = 9
"""A number of this many digits is recognised after a dialled prefix (`9`, `900`)."""
_FREE = 4
"""Minimum number of changed digits, for any length of the area code."""
_AREA = 3
"""Length of an area code that the numbering plan does not have."""
_SURE = 11
"""This many digits are a number with its country, even without a +."""


def is_service(digits: str, regions: Collection[str]) -> bool:
    """Return whether this is an emergency or short number (112, 116117) of `regions`; without regions, an emergency
    number of any region.
    """
    if len(digits) > 6:
        return False
    if regions:
        return any(
            shortnumberinfo.is_emergency_number(digits, region)
            or shortnumberinfo.is_valid_short_number_for_region(phonenumbers.parse(digits, region), region)
            for region in regions
        )
    return any(shortnumberinfo.is_emergency_number(digits, region) for region in phonenumbers.SUPPORTED_REGIONS)


@dataclass(frozen=True, slots=True)
class _Core:
    """A number without a dialled prefix: `country` ('' if unknown), the unchanged part (`kept`: the area) and the
    changed part (`rest`).
    """

    country: str
    kept: str
    rest: str


def pseudonyms(
    numbers: Collection[str], cipher: KeyedPermutation, regions: Sequence[str] = (), international: Container[str] = ()
) -> Mapping[str, str]:
    """Return for each of `numbers` (digits only) its pseudonym.

    It has the same length, country and area, and is valid if the number is. Forms of one number (`00420…`, `420…`,
    with a prefix digit) get forms of one pseudonym. All pseudonyms differ, and none is one of `numbers`.

    regions: countries (`CZ`, `US`) of numbers without a country.
    international: numbers that occurred with a + before them.

    The key decides, and the other numbers only on a collision. Raises `ArirecordError` if too many numbers of one kind
    occur.
    """
    forms = _by_core(numbers, regions, international)
    originals = set(numbers)
    pseudonym_of: dict[str, str] = {}
    taken: set[str] = set()
    for core in sorted(forms, key=lambda c: (c.country, c.kept, c.rest)):
        for attempt in range(_ATTEMPTS):
            rest = _changed(core, cipher, attempt)
            made = {number: prefix + core.kept + rest for number, prefix in forms[core].items()}
            if not any(new in taken or _holds(new, originals) for new in made.values()):
                break
        else:
            raise ArirecordError(
                f"there are too many different numbers of {len(core.kept + core.rest)} digits to give each another one;"
                " redact fewer of them (a higher --min-digits, or --keep)"
            )
        pseudonym_of |= made
        taken |= set(made.values())
    return pseudonym_of


def national_forms(
    numbers: Collection[str], regions: Sequence[str] = (), international: Container[str] = ()
) -> set[str]:
    """Return the numbers of nine digits or more without their country: `601234567` for `420601234567`."""
    cores = _by_core(numbers, regions, international)
    return {core.kept + core.rest for core in cores if core.country and len(core.kept + core.rest) >= _SUFFIX}


def word_pseudonyms(words: Collection[str], cipher: KeyedPermutation) -> dict[str, str]:
    """Return for each of `words` (names) another of the same shape; all differ in any spelling, and none holds one of
    them. It has the same length, unless too many names of this shape occur.
    """
    pseudonym_of: dict[str, str] = {}
    taken = {key for word in words for key in name_keys(word)}
    originals = WordIndex(words)
    for word in sorted(words):
        parts = words_of(word)
        end = parts[-1].end() if parts else 0
        for attempt in count():
            longer = "a" * ((attempt + _ATTEMPTS * (not parts)) // _ATTEMPTS)
            new = cipher.letters(word[:end] + longer + word[end:] * bool(parts), str(attempt))
            keys = name_keys(new)
            if not keys & taken and next(originals.find(new), None) is None:
                break
        pseudonym_of[word] = new
        taken |= keys
    return pseudonym_of


def _holds(number: str, originals: set[str]) -> bool:
    """Return whether it contains an original."""
    return number in originals or any(number[i:] in originals for i in range(1, len(number) - _SUFFIX + 1))


def _by_core(
    numbers: Collection[str], regions: Sequence[str], international: Container[str]
) -> dict[_Core, dict[str, str]]:
    """Return the written forms of each number: number → prefix of the core."""
    forms: dict[_Core, dict[str, str]] = {}
    known: dict[str, tuple[str, _Core]] = {}
    unknown = []
    for number in sorted(numbers):
        read = _read(number, regions, number in international)
        if read is None:
            unknown.append(number)
            continue
        prefix, core = read
        forms.setdefault(core, {})[number] = prefix
        known[number] = read
        known.setdefault(core.kept + core.rest, ("", core))
        known.setdefault("0" + core.kept + core.rest, ("0", core))
    for number in unknown:
        for skip in range(min(_PREFIX, len(number) - _SUFFIX) + 1):
            if number[skip:] in known:
                prefix, core = known[number[skip:]]
                forms.setdefault(core, {})[number] = number[:skip] + prefix
                break
        else:
            prefix, core = _read(number, (), is_international=len(number) >= _SURE) or ("", _unplanned(number))
            forms.setdefault(core, {})[number] = prefix
    return forms


def _unplanned(number: str) -> _Core:
    zeros = min(len(number) - len(number.lstrip("0")), max(len(number) - _FREE, 0), 2)
    return _Core("", number[:zeros], number[zeros:])


def _read(number: str, regions: Sequence[str], is_international: bool) -> tuple[str, _Core] | None:
    """Return the dialled prefix and the number; None if no numbering plan has it."""
    access = "00" if number.startswith("00") else ""
    for region in regions if not access and not is_international else ():
        parsed = _parse(number, region)
        if parsed is not None and phonenumbers.is_valid_number(parsed):
            return _split(number, parsed)
    parsed = _parse("+" + number.removeprefix(access), None)
    if parsed is None:
        return None
    # An unassigned number counts if it cannot mean anything else.
    is_meant = bool(access) or is_international
    if phonenumbers.is_valid_number(parsed) or (is_meant and phonenumbers.is_possible_number(parsed)):
        return _split(number, parsed)
    return None


def _parse(number: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None


def _split(number: str, parsed: phonenumbers.PhoneNumber) -> tuple[str, _Core] | None:
    national = phonenumbers.national_significant_number(parsed)
    if not number.endswith(national):
        return None
    area = phonenumbers.length_of_geographical_area_code(parsed)
    area = area or phonenumbers.length_of_national_destination_code(parsed) or _AREA
    area = max(min(area, len(national) - _FREE), 0)
    return number[: len(number) - len(national)], _Core(str(parsed.country_code), national[:area], national[area:])


def _changed(core: _Core, cipher: KeyedPermutation, attempt: int) -> str:
    """Return other digits for the rest: the first of the permutation that make a number of the same kind."""
    tweak = f"{core.country}|{core.kept}|{attempt}"
    is_valid = _is_valid(core.country, core.kept + core.rest)
    rest = core.rest
    for _ in range(_STEPS):
        rest = cipher.permute(rest, tweak)
        number = core.kept + rest
        if rest == core.rest:
            continue
        if core.country:
            if not is_valid or _is_valid(core.country, number):
                return rest
        elif (rest[0] == "0") == (core.rest[0] == "0") and not is_service(number, ()):
            return rest
    return rest


def _is_valid(country: str, national: str) -> bool:
    if not country:
        return False
    zeros = len(national) - len(national.lstrip("0"))
    number = phonenumbers.PhoneNumber(int(country), int(national), None, zeros > 0, zeros or None)
    return phonenumbers.is_valid_number(number)
