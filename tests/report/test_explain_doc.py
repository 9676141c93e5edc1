"""What `docs/explain.md` shows is so."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from arirecord.cli import cli
from arirecord.rules import shipped_rules

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
    """And no other, in the order and in the words of the rules."""
    table = DOC.partition("## What looks wrong")[2].partition("## Other forms")[0]
    rows = re.findall(r"^\| `(.*?)` \| (.*?) \| (.*?) \|$", table, re.MULTILINE)

    assert rows == [(rule.id, rule.title, rule.fix) for rule in shipped_rules("linter").values()]


@pytest.mark.slow
def test_the_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs, and gives what its comment says."""
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(DOC.partition("```python\n")[2].partition("```")[0], names)

    assert getattr(names["told"], "title", None) == "1001 → 2001 (reached 1002)"
    assert str(names["picture"]).startswith("<svg ")
