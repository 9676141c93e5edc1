"""ARI's timestamps become UTC milliseconds, whatever the offset."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.asterisk.timestamps import parse_timestamp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T22:05:24.514+0000", (1795471524514, True)),
        ("2026-11-24T03:35:24.514+0530", (1795471524514, True)),
        ("2026-11-23T22:05:24.514Z", (1795471524514, True)),
        ("2026-11-23T17:05:24.514-05:00", (1795471524514, True)),
        ("2026-11-23T22:05:24+00", (1795471524000, True)),
        ("2026-11-23T22:05:24.514999+0000", (1795471524514, False)),
        ("2026-11-23T22:05:24.514000+0000", (1795471524514, True)),
    ],
)
def test_forms(text: str, expected: tuple[int, bool]) -> None:
    """Any offset, with and without colon; what is finer than a millisecond is cut and said."""
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T22:05:24.514",
        "2026-02-30T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "٢026-11-23T22:05:24Z",
    ],
)
def test_what_is_no_instant(text: str) -> None:
    """Without an offset, or as an impossible date, it is no instant."""
    assert parse_timestamp(text) is None


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_any_instant(moment: datetime, offset_min: int) -> None:
    """It is the instant that Python's own arithmetic gives."""
    local = moment.replace(
        microsecond=moment.microsecond // 1000 * 1000, tzinfo=timezone(timedelta(minutes=offset_min))
    )
    text = f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"
    expected = (local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    assert parse_timestamp(text.zfill(len("2026-11-23T22:05:24.514+0000"))) == (expected, True)
