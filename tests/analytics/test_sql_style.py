"""The style of the SQL models, as `make lint` checks it."""

from pathlib import Path

import pytest

from tests.sql_style import faults

MODELS = Path(__file__).parents[2] / "arirecord" / "analytics" / "models"


def test_all_models_keep_to_the_style() -> None:
    assert {path.name: list(faults(path.read_text())) for path in MODELS.rglob("*.sql")} == {
        path.name: [] for path in MODELS.rglob("*.sql")
    }


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("SELECT 1", "end the file with one line end"),
        ("SELECT 1\n\n", "end the file with one line end"),
        ("select 1\n", "write SELECT in capitals"),
        ("SELECT a As b\n", "write AS in capitals"),
        ("SELECT a as b\n", "write AS in capitals"),
        ("SELECT 'as' AS b -- as it is\n", ""),
        ("SELECT a,b\n", "a space after a comma, none before"),
        ("SELECT a\n    , b\n", "a space after a comma, none before"),
        ("SELECT a  AS b\n", "one space between words"),
        ("SELECT a=b\n", "spaces around a comparison"),
        ("SELECT first_of(list := a)\n", ""),
        ("SELECT a != b\n", "JOIN, <> and ::"),
        ("SELECT a\nFROM calls c\n", "name a table with AS"),
        ("SELECT\n  a\n", "indent by four spaces"),
        ("SELECT a \n", "no tabs, and no spaces at the end"),
        (f"SELECT '{'x' * 120}'\n", "at most 122 characters"),
        ("WITH a AS (\n    SELECT 1\n),\nb AS (\n    SELECT 2\n)\n", "an empty line before a CTE"),
    ],
)
def test_what_breaks_the_style(sql: str, rule: str) -> None:
    """Words in texts and comments do not count."""
    assert [found for _, found in faults(sql)] == ([rule] if rule else [])
