"""Values that are new in each run of an app: ids that it makes up, times, ports."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

__all__ = ["mask_volatile"]

_DAY_S: Final = 86_400

# A UUID with dashes, underscores or without, a ULID, at least 8 hexadecimal digits (also after 0x), and numbers of
# 17 to 19 digits, as a snowflake has: phones and most cards have fewer.
_ID: Final = re.compile(
    r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}([-_])(?:[0-9A-Fa-f]{4}\1){3}[0-9A-Fa-f]{12}(?![0-9A-Fa-f])"
    r"|(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9])(?:[0-9a-f]{8,}|[0-9A-F]{8,})(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])0[xX][0-9A-Fa-f]{8,}(?![0-9A-Za-z])"
    r"|(?<![\d.])\d{17,19}(?![\d.])"
)
_DATE: Final = re.compile(
    r"(?<!\d)(?:\d{4}([-/.])\d\d\1\d\d|\d\d?([/.])\d\d?\2\d{4})"
    r"(?:[T _-]\d\d(?:[:.-]?\d\d){1,2}(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)"
    r"|(?<!\d)\d\d:\d\d:\d\d(?:[.,]\d+)?(?!\d)"
)
_COMPACT_DATE: Final = re.compile(
    r"(?<![\d.])(?:(20\d{6})(?:[T_-]?\d{4}(?:\d\d)?(?:[.,]?\d{3,6})?Z?)?|(\d{6})[T_-]\d{6})(?!\d)"
)
# Seconds since 1970, also with a fraction; milliseconds, microseconds and nanoseconds.
_EPOCH: Final = re.compile(r"(?<![\d.])(\d{10})(?:\.\d{3,}|\d{3}|\d{6}|\d{9})?(?!\d|\.\d{1,2}(?!\d))")
# Linux chooses ports from 32768 on.
_PORT: Final = re.compile(r"(?<=[\w\]]:)(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|6[0-5]\d{3})(?!\d)")


def mask_volatile(text: str, knows: Callable[[str], bool], moments_s: Sequence[float]) -> str:
    """Return the text with placeholders for values that are new each time.

    `knows` reports whether a text is an id of the recording: such ids stay. `moments_s` are times, in seconds since
    1970: a number within one day of these is a time, any other may be a phone number.
    """

    def is_id(found: re.Match[str]) -> bool:
        token_begin, token_end = found.span()
        while token_begin and _in_id(text[token_begin - 1]):
            token_begin -= 1
        while token_end < len(text) and _in_id(text[token_end]):
            token_end += 1
        return knows(found[0]) or knows(text[token_begin:token_end])

    def is_near(at_s: float) -> bool:
        return any(abs(at_s - moment_s) < _DAY_S for moment_s in moments_s)

    def is_near_day(digits: str) -> bool:
        try:
            return is_near(datetime.strptime(digits + "12", "%Y%m%d%H").replace(tzinfo=UTC).timestamp())
        except ValueError:
            return False

    steps: list[tuple[re.Pattern[str], str, Callable[[re.Match[str]], bool]]] = [
        (_ID, "<id>", lambda found: True),
        (_DATE, "<time>", lambda found: True),
        (_COMPACT_DATE, "<time>", lambda found: is_near_day(found[1] or f"20{found[2]}")),
        (_EPOCH, "<time>", lambda found: is_near(float(found[1]))),
        (_PORT, "<port>", lambda found: True),
    ]
    for pattern, placeholder, is_new in steps:
        pieces, end = [], 0
        for found in pattern.finditer(text):
            if is_new(found) and not is_id(found):
                pieces += [text[end : found.start()], placeholder]
                end = found.end()
        text = "".join([*pieces, text[end:]])
    return text


def _in_id(character: str) -> bool:
    return character.isalnum() or character in "-._"
