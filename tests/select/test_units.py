"""Lengths of time as messages have them."""

import pytest

from arirecord.select.units import duration_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0124, "12 ms"),
        (0.99951, "1.0 s"),
        (3.94, "3.9 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 0 s"),
        (-119, "1 min 59 s"),
        (151, "2 min 31 s"),
        (3599.6, "1 h 0 min"),
        (25411.1, "7 h 3 min"),
        (187_300, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """Two units at most, never 60 of one, and no sign."""
    assert duration_text(seconds) == text
