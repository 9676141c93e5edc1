"""The page of the metrics is what the models say of themselves."""

from pathlib import Path

import pytest

from arirecord.analytics.describe import page

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_as_generated() -> None:
    """Nobody changed a model and forgot the page, or the page and forgot the model."""
    text = PAGE.read_text("utf-8")

    assert page(text) == text, "docs/metrics.md is not what the models say: run `make docs`"


def test_what_is_written_by_hand_stays() -> None:
    """Before and after the marks; a page without them is refused."""
    text = page(PAGE.read_text("utf-8").replace("# The metrics", "# Mine") + "Mine too.\n")

    assert text.startswith("# Mine\n")
    assert text.endswith("<!-- to here -->\nMine too.\n")
    with pytest.raises(ValueError, match="no lines"):
        page("# A page without marks\n")
