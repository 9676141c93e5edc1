"""`arirecord explain`, as a user calls it."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from arirecord.cli import cli

SAMPLES = Path(__file__).parents[2] / "sample_data"
TRANSFERS = str(SAMPLES / "transfers.parquet")
CALL = "1795474818.125"


def explain(*args: str, code: int = 0) -> Result:
    """Run it and check its exit code."""
    result = CliRunner().invoke(cli, ["explain", *args])
    assert result.exit_code == code, result.output
    return result


def test_one_call_as_text() -> None:
    """Plain where nobody watches, at most 100 columns, with all its parts."""
    text = explain(TRANSFERS, CALL).stdout

    for part in ("Parties", "Bridges", "Timeline", "Ladder", "Why these are one call", "Nothing looks wrong."):
        assert part in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_call_that_was_up_before(tmp_path: Path) -> None:
    """What a recording that begins amid a call can't know is not told as if it had not been."""
    late = str(tmp_path / "late.parquet")
    cut = CliRunner().invoke(cli, ["filter", TRANSFERS, "--since", "2026-11-23T22:59:24", "-o", late])
    assert cut.exit_code == 0, cut.output
    head, _, parties = explain(late, "1795474763.86").stdout.partition("Parties")

    assert "1001 → unknown  outcome not recorded  (not recorded completely)" in head
    assert "talked" not in head
    assert parties.count("up, since when unknown") == 2
    assert "not answered" not in parties and "gave up" not in parties


def test_a_page(tmp_path: Path) -> None:
    """Asks for nothing from elsewhere."""
    page = tmp_path / "call.html"
    explain(TRANSFERS, CALL, "--format", "html", "-o", str(page))

    assert "1001 → 2001" in page.read_text()
    assert "http" not in page.read_text().replace("http://www.w3.org/2000/svg", "")


def test_other_forms() -> None:
    """To stdout."""
    assert ET.fromstring(explain(TRANSFERS, CALL, "--format", "svg").stdout).tag == "{http://www.w3.org/2000/svg}svg"
    assert explain(TRANSFERS, CALL, "--format", "mermaid").stdout.startswith("sequenceDiagram\n")


def test_a_number_that_several_calls_have_lists_them() -> None:
    """Where they are to be drawn elsewhere, that is wrong usage."""
    listed = explain(TRANSFERS, "1003")
    lines = listed.stdout.splitlines()

    assert lines[0].split() == ["call_id", "started_at", "from", "to", "disposition", "duration_s"]
    assert len(lines) > 5
    assert "name one by its id, or add --all" in listed.stderr
    assert "add --all" in explain(TRANSFERS, "1003", "--format", "svg", code=2).stderr


def test_all_of_a_number_into_a_folder(tmp_path: Path) -> None:
    """A file for each call."""
    explain(TRANSFERS, "1003", "--all", "--format", "svg", "-o", f"{tmp_path}/ladders/")
    made = sorted((tmp_path / "ladders").iterdir())

    assert len(made) > 5
    assert all(path.suffix == ".svg" and ET.parse(path) for path in made)


def test_the_worst(tmp_path: Path) -> None:
    """Each with the reason; several diagrams are Markdown."""
    text = explain(TRANSFERS, "--worst", "2", "--by", "hold", "--format", "mermaid").stdout

    assert text.count("```mermaid\nsequenceDiagram\n") == 2
    assert text.count("held for ") == 2
    assert "An SVG shows one call" in explain(TRANSFERS, "--worst", "2", "--format", "svg", code=2).stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "Name a call by an id"),
        ((CALL, "--worst", "3"), "Name a call by an id"),
        ((CALL, "--by", "hold"), "--by needs --worst"),
    ],
)
def test_wrong_usage(args: tuple[str, ...], said: str) -> None:
    """Is told with what would be right."""
    assert said in explain(TRANSFERS, *args, code=2).stderr


def test_a_call_that_is_not_there() -> None:
    """Says how to list those that are."""
    assert "arirecord calls" in explain(TRANSFERS, "nobody", code=1).stderr
