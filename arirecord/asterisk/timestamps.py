"""ARI's timestamps: `2026-11-23T22:05:24.514+0000`, in the server's own offset, written without a colon."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["format_timestamp", "parse_timestamp"]

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,30}))?(?:Z|([+-])([01]\d):?([0-5]\d)?)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1)


@lru_cache(maxsize=4096)
def parse_timestamp(text: str) -> tuple[int, bool] | None:
    """Return milliseconds since 1970 UTC, and whether that is exact (False if `text` is finer; the rest is cut off).

    None for any text other than a date, a time and an offset.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, offset_h, offset_m = match.groups()
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))
    except ValueError:
        return None
    offset_min = int(offset_h or 0) * 60 + int(offset_m or 0)
    seconds = (local - _EPOCH) // timedelta(seconds=1) + (offset_min if sign == "-" else -offset_min) * 60
    digits = (fraction or "").ljust(3, "0")
    return seconds * 1000 + int(digits[:3]), not digits[3:].strip("0")


def format_timestamp(ns: int) -> str:
    """Nanoseconds since 1970 UTC as ISO 8601 in UTC, to the microsecond (`2026-11-23T22:05:24.514000Z`)."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
