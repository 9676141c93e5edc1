"""Phone numbers as people type them, compared with those of a recording: one meaning for every verb.

Spaces, dots, dashes, slashes and brackets between the digits do not count, neither does a leading `+` or `00`.
Otherwise a number is compared whole. `*` stands for any characters, `?` for one, `[…]` for one of those listed.
"""

import re

__all__ = ["INTERNATIONAL", "SEPARATORS", "is_pattern", "number_key", "pattern_key"]

SEPARATORS = r"[\s().+/-]"
"""Regular expression of the characters that do not count. DuckDB reads it alike."""
INTERNATIONAL = r"^00([1-9][0-9]{6,})$"
"""Regular expression of a number behind an international prefix; what is shorter is an extension."""


def number_key(number: str) -> str:
    """Return a number in the form for comparison: `+420 123-456-789` and `00420123456789` are `420123456789`."""
    return re.sub(INTERNATIONAL, r"\1", re.sub(SEPARATORS, "", number))


def is_pattern(number: str) -> bool:
    """Return whether the text is a pattern, not a number."""
    return bool(set(number) & set("*?["))


def pattern_key(number: str) -> str:
    """Return the typed text in the form for comparison; a pattern that begins with `00` means international numbers."""
    if not is_pattern(number):
        return number_key(number)
    parts = re.split(r"(\[[^\]]*\])", number)  # a dash in brackets is a range
    plain = "".join(part if part.startswith("[") else re.sub(SEPARATORS, "", part) for part in parts)
    return re.sub(r"^00(?=[1-9])", "", plain)
