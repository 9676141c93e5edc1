"""Units of time; lengths of time as people type (`30s`, `1h30m`, `2 weeks`, `1 month`) and read them (`2 min 31 s`)."""

import re
from datetime import timedelta

__all__ = ["UNITS_S", "duration_text", "parse_bucket", "parse_seconds"]

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
"""Seconds in each unit of time."""
_WORDS = {
    "sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "day": "d", "week": "w",
}  # fmt: skip
_MONTHS = {"month": 1, "mo": 1, "quarter": 3, "year": 12, "y": 12}
_NUMBER = r"\d{1,9}(?:\.\d{1,20})?"
_PART = re.compile(rf"({_NUMBER})\s*([a-z]+)\s*")
_LARGEST_S = 100 * 366 * 86400.0


def parse_seconds(text: str) -> float | None:
    """Return the seconds in a length of time such as `1h30m`, `500ms` or `2 days`; None for anything else.

    A number without a unit is not a length of time.
    """
    text = text.strip().lower()
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text):
        return None
    seconds = 0.0
    for number, word in parts:
        unit = word if word in UNITS_S else _WORDS.get(word.removesuffix("s"))
        if unit is None:
            return None
        seconds += float(number) * UNITS_S[unit]
    return seconds


def duration_text(seconds: float) -> str:
    """Return a length of time with its units and without its sign: `12 ms`, `3.9 s`, `2 min 31 s`, `2 d 4 h`."""
    size_s = abs(seconds)
    if size_s < 0.9995:
        return f"{size_s * 1000:.0f} ms"
    if size_s < 59.95:
        return f"{size_s:.1f} s"
    minutes, rest_s = divmod(round(size_s), 60)
    hours, rest_min = divmod(minutes, 60)
    days, rest_h = divmod(hours, 24)
    if days:
        return f"{days:,} d {rest_h} h"
    return f"{hours} h {rest_min} min" if hours else f"{minutes} min {rest_s} s"


def parse_bucket(bucket: str | timedelta) -> str:
    """Return the length of a bucket of time as the text of a DuckDB INTERVAL.

    bucket: a length of at least a millisecond, or whole months, quarters or years (`1 month`).
    Raises `ValueError` with examples for anything else.
    """
    if isinstance(bucket, timedelta):
        seconds: float | None = bucket.total_seconds()
    elif months := re.fullmatch(rf"(\d{{1,4}})\s*({'|'.join(_MONTHS)})s?", bucket.strip().lower()):
        count = int(months[1]) * _MONTHS[months[2]]
        if 0 < count <= 1200:
            return f"{count} months"
        seconds = None
    else:
        seconds = parse_seconds(bucket)
    if seconds is None or not 0.001 <= seconds <= _LARGEST_S:
        typed = bucket if isinstance(bucket, str) else str(bucket)
        raise ValueError(f"{typed!r} is not a length of a bucket such as 15m, 1h, 1d, 1w or 1month")
    return f"{round(seconds * 1000)} milliseconds"
