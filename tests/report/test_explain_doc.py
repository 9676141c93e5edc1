"""What `docs/explain.md` shows is so."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from arirecord.cli import cli
from arirecord.report.linter_rules import RULES

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "explain.md").read_text()
SHOWN = re.findall(r"<!-- (explain .*) -->\n```text\n(.*?)```", DOC, re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize(("line", "shown"), SHOWN)
def test_the_ladder_shown(line: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is what the command prints."""
    monkeypatch.chdir(ROOT)

    assert CliRunner().invoke(cli, shlex.split(line)).stdout == shown


def test_every_rule_is_explained() -> None:
    """And no other."""
    table = DOC.partition("## What looks wrong")[2].partition("## Other forms")[0]
    told = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(.*?)`", row)}

    assert told == set(RULES)


@pytest.mark.slow
def test_the_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs, and gives what its comment says."""
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(DOC.partition("```python\n")[2].partition("```")[0], names)

    assert getattr(names["told"], "title", None) == "1001 → 2001 (reached 1002)"
    assert str(names["picture"]).startswith("<svg ")
