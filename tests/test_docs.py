"""What the documents show is so."""

import ast
import doctest
import re
import shlex
from pathlib import Path

import click
import pytest

import arirecord
import arirecord.errors
from arirecord.cli import GROUPS, VERBS, cli
from arirecord.cli.settings_file import EVERYWHERE, apply, read_config

from .conftest import truth
from .console import differences, fits, shown_in
from .reference import OBJECTS, command_of, renewed, with_contents, with_generated
from .reference import PAGES as GENERATED

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "sample_data" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN = [page for page in PAGES if any(shown_in(page.read_text()))]
ONLY_PARSED = {"verify.md", "explain.md", "import.md", "lake.md"}
"""The Python of the first is about an application of the reader, that of the others has tests of its own."""


def named(path: Path) -> str:
    return path.name


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of code of a page, without those that are files."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def indented(page: Path) -> list[str]:
    """Commands that stand in a block by their indent, and the examples of help texts, without words beside them.

    Those of the metrics are written from the commands themselves.
    """
    shown = re.findall(r"^ {4}(arirecord .*)$", page.read_text(), re.MULTILINE)
    return [] if page.name == "metrics.md" else [re.split(" {2,}", command)[0] for command in shown]


def commands_of(line: str) -> list[list[str]]:
    """The arguments of each `arirecord` of a line, in which there may be pipes, and words behind `#`."""
    words = shlex.split(line, comments=True)
    found: list[list[str]] = []
    inside = False
    for word in words:
        if word in ("|", "&&", ";", "&", ">", ">>", "<", "2>"):
            inside = False
        elif word == "arirecord":
            found.append([])
            inside = True
        elif inside:
            found[-1].append(word)
    return found


SHOWN = [
    (page.name, arguments)
    for page in PAGES
    for text in [*blocks(page, "console"), *blocks(page, "sh"), *indented(page)]
    for line in re.sub(r"\\\n>? *", " ", text).splitlines()
    if line.startswith(("arirecord ", "$ arirecord ")) and line.count("'") % 2 == 0 and line.count('"') % 2 == 0
    for arguments in commands_of(line)
    if not arguments[0].startswith("-")
]


@pytest.mark.parametrize("page", RUN, ids=named)
def test_what_a_console_shows(page: Path, tmp_path: Path) -> None:
    """Each command that stands behind `$` prints what stands below it."""
    assert "\n\n".join(differences(page.read_text(), tmp_path)) == ""
    for picture in tmp_path.glob("*.svg"):
        assert picture.read_text() == (ROOT / "docs" / "img" / picture.name).read_text()


def test_a_console_that_shows_something_else_is_noticed(tmp_path: Path) -> None:
    page = "```console\n$ echo one; echo two\none\n$ (exit 3)\n$ echo $?\n3\n```\n"

    (difference,) = differences(page, tmp_path)
    assert difference == "$ echo one; echo two\n  one\n+ two"


@pytest.mark.parametrize(
    ("shown", "printed", "is_so"),
    [
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nb\nc\n", False),
        ("a … c\n", "a b c\n", True),
        ("a … c\n", "a\nb c\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_what_stands_for_anything(shown: str, printed: str, is_so: bool) -> None:
    assert fits(shown, printed) == is_so


@pytest.mark.parametrize(("page", "arguments"), SHOWN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_shown_command_is_one(
    page: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its verb and options exist, of all that is shown, run or not."""
    monkeypatch.chdir(tmp_path)
    verb, *rest = arguments
    command = command_of(verb)
    with click.Context(cli, info_name="arirecord", **cli.context_settings) as whole:
        for parameter in command.params:  # files of a reader are not here
            if isinstance(parameter.type, click.Path | click.File):
                monkeypatch.setattr(parameter, "type", click.STRING)
        command.make_context(verb, rest, parent=whole)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs; behind `>>>` it says what is shown."""
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for code in blocks(page, "python"):
        compiled = compile(code, page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if page.name not in ONLY_PARSED:
            exec(compiled, names)
    talk = "".join(blocks(page, "pycon"))
    test = doctest.DocTestParser().get_doctest(talk, {}, page.name, str(page), 0)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)

    assert "".join(said) == ""


def test_the_settings_shown(tmp_path: Path) -> None:
    """Are known to the verbs that they are for."""
    (text,) = blocks(ROOT / "docs" / "settings.md", "toml")
    path = tmp_path / "arirecord.toml"
    path.write_text(text)
    settings = read_config(path, VERBS)

    for verb in settings.keys() - {*EVERYWHERE}:
        command = cli.get_command(cli.make_context("arirecord", [], resilient_parsing=True), verb)
        assert command is not None
        assert apply(command, verb, settings, path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Within the repository."""
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^":]+)"', text):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("page", GENERATED)
def test_a_generated_page_is_current(page: str) -> None:
    """Help texts, docstrings and models did not change since the page was made."""
    before, after = renewed(page)

    assert before == after, f"docs/{page} is stale: run `make docs` and commit the result"


def test_what_is_written_by_hand_stays() -> None:
    """Only what stands between the marks is generated; a page without marks is refused."""
    page = "# Mine\n\n<!-- from here: made by `make docs` from x -->\nold\n<!-- to here -->\n\nMine too.\n"

    assert with_generated(page, "new") == page.replace("old", "\nnew\n")
    with pytest.raises(ValueError, match="no lines"):
        with_generated("# A page without marks\n", "new")


def test_the_contents_of_a_page() -> None:
    """Are links to its sections, none to what a block of code shows."""
    marks = "<!-- contents: made by `make docs` -->\n{}<!-- end of contents -->\n"
    page = "## What's new?\n```text\n## not this\n```\n## app_latency\n"
    links = "\n[What's new?](#whats-new) ·\n[app_latency](#app_latency)\n\n"

    assert with_contents(marks.format("") + page) == marks.format(links) + page


def test_each_public_name_is_in_the_reference() -> None:
    """Those of `arirecord.__all__`, and each error of which its module tells."""
    named_in_reference = {path.rpartition(".")[2] for paths in OBJECTS.values() for path in paths}

    assert {*arirecord.__all__} - named_in_reference == {"__version__"}
    assert {*arirecord.errors.__all__} <= named_in_reference


def test_every_verb_is_in_the_documents() -> None:
    """A page that is written by hand names it, or docs/metrics.md if it prints a table."""
    text = "".join(document.read_text() for document in DOCUMENTS if document.name != "cli.md")

    assert [verb for verb in VERBS if f"arirecord {verb}" not in text] == []
    assert set(GROUPS) >= {"Record", "Replay", "Inspect and convert", "Measure"}


def test_the_records_of_asterisk_shown() -> None:
    """Are those that it wrote: each cell of a row is in one of its rows."""
    text = (ROOT / "docs" / "why_cdr_lies.md").read_text().replace("**", "")
    shown = [set(row.split(" | ")) for row in re.findall(r"^\| (\d+ \| .*) \|$", text, re.MULTILINE)]
    written = [_as_shown(row) for row in truth("blind_transfer", "cdr")]

    assert len(shown) == 4
    for row in shown:
        assert any(row <= other for other in written), row


def _as_shown(row: dict[str, object]) -> set[str]:
    texts = {str(row[name]) for name in ("src", "dst", "disposition", "billsec", "lastapp")}
    times = {f"{float(str(row[name])) % 60:.3f}" for name in ("start", "answer", "end")}
    return {*texts, *times, f"{row['lastapp']}({str(row['lastdata']).partition(',')[0]})"}


def test_the_samples_are_as_described() -> None:
    """Events of each sample, and calls."""
    text = (ROOT / "sample_data" / "README.md").read_text()
    rows = re.findall(r"\| `(\w+(?:\.parquet|/))` \| ([\d,]+) \| ([\d,]+) \|", text)

    assert len(rows) == 9
    for name, events, calls in rows:
        path = ROOT / "sample_data" / name
        assert arirecord.open_session(path).header.events == int(events.replace(",", ""))
        found = arirecord.connect(path, models=["calls"]).sql("SELECT count(*) FROM calls").fetchall()
        assert found == [(int(calls.replace(",", "")),)]
