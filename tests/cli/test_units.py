"""Durations and sizes in messages."""

import pytest

from arirecord.cli.units import duration_text, size_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (3.94, "3.9 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 0 s"),
        (151, "2 min 31 s"),
        (3599.6, "1 h 0 min"),
        (25411.1, "7 h 3 min"),
        (187_300, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """Two units at most, and never 60 of one."""
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (84_321, "84 kB"), (999_600, "1.0 MB"), (2_500_000_000, "2.5 GB")],
)
def test_sizes(count: int, text: str) -> None:
    """Two digits are enough, and never 1000 of one unit."""
    assert size_text(count) == text
