"""What the documents show is so."""

import re
import shlex
from pathlib import Path

import pytest

import arirecord
from arirecord.cli import VERBS, cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "sample_data" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def shown_commands() -> list[str]:
    """Every `arirecord …` line of the README's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("arirecord ")]


@pytest.mark.parametrize("line", shown_commands())
def test_a_shown_command_is_one(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its verb and options exist."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "days").mkdir()
    (tmp_path / "events.jsonl.gz").touch()
    _, verb, *args = shlex.split(line)
    command = cli.get_command(cli.make_context("arirecord", [], resilient_parsing=True), verb)

    assert command is not None
    command.make_context(verb, args)


def test_the_python_of_the_readme(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Runs, and says what its comments say."""
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    table = capfd.readouterr().out
    (promised,) = re.findall(r"# (ANSWERED.*)", code)

    for entry in promised.split(", "):
        disposition, _, count = entry.rpartition(" ")
        assert re.search(rf"{disposition} *│ *{count} ", table), entry
    session = arirecord.open_session("sample_data/busy_hour.parquet")
    assert session.header.types["Dial"] == 5585


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Within the repository."""
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_every_verb_is_in_the_documents() -> None:
    """Nothing is built and then hidden."""
    text = "".join(document.read_text() for document in DOCUMENTS)

    assert [verb for verb in VERBS if f"arirecord {verb}" not in text] == []


def test_the_samples_are_as_described() -> None:
    """Events of each sample, and calls."""
    text = (ROOT / "sample_data" / "README.md").read_text()
    rows = re.findall(r"\| `(\w+(?:\.parquet|/))` \| ([\d,]+) \| ([\d,]+) \|", text)

    assert len(rows) == 7
    for name, events, calls in rows:
        path = ROOT / "sample_data" / name
        assert arirecord.open_session(path).header.events == int(events.replace(",", ""))
        found = arirecord.connect(path).sql("SELECT count(*) FROM calls").fetchall()
        assert found == [(int(calls.replace(",", "")),)]
