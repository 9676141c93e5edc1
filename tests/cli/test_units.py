"""Sizes in messages."""

import pytest

from arirecord.cli.console import size_text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (84_321, "84 kB"), (999_600, "1.0 MB"), (2_500_000_000, "2.5 GB")],
)
def test_sizes(count: int, text: str) -> None:
    """Two digits are enough, and never 1000 of one unit."""
    assert size_text(count) == text
