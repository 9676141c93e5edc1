"""`arirecord explain`, as a user calls it."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from arirecord.analytics import connect
from arirecord.cli import cli

SAMPLES = Path(__file__).parents[2] / "sample_data"
TRANSFERS = str(SAMPLES / "transfers.parquet")
FAILED = str(SAMPLES / "failed_calls.parquet")
CALL = "1795474818.125"


def explain(*args: str, code: int = 0) -> Result:
    """Run it and check its exit code."""
    result = CliRunner().invoke(cli, ["explain", *args])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.slow
def test_one_call_as_text() -> None:
    """Plain where nobody watches, at most 100 columns, with all its parts."""
    text = explain(TRANSFERS, CALL).stdout

    for part in ("Parties", "Bridges", "Timeline", "Ladder", "Why these are one call", "Nothing looks wrong."):
        assert part in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_page(tmp_path: Path) -> None:
    """Asks for nothing from elsewhere."""
    page = tmp_path / "call.html"
    explain(TRANSFERS, CALL, "--format", "html", "-o", str(page))

    assert "1001 → 2001" in page.read_text()
    assert "http" not in page.read_text().replace("http://www.w3.org/2000/svg", "")


@pytest.mark.slow
def test_other_forms() -> None:
    """To stdout."""
    assert ET.fromstring(explain(TRANSFERS, CALL, "--format", "svg").stdout).tag == "{http://www.w3.org/2000/svg}svg"
    assert explain(TRANSFERS, CALL, "--format", "mermaid").stdout.startswith("sequenceDiagram\n")


@pytest.mark.slow
def test_a_number_that_several_calls_have_lists_them() -> None:
    """Where they are to be drawn elsewhere, that is wrong usage."""
    listed = explain(TRANSFERS, "1003")
    lines = listed.stdout.splitlines()

    assert lines[0].split() == ["call_id", "started_at", "from", "to", "disposition", "duration_s"]
    assert len(lines) > 5
    assert "name one by its id, or add --all" in listed.stderr
    assert "add --all" in explain(TRANSFERS, "1003", "--format", "svg", code=2).stderr


@pytest.mark.slow
def test_all_of_a_number_into_a_folder(tmp_path: Path) -> None:
    """A file for each call."""
    explain(TRANSFERS, "1003", "--all", "--format", "svg", "-o", f"{tmp_path}/ladders/")
    made = sorted((tmp_path / "ladders").iterdir())

    assert len(made) > 5
    assert all(path.suffix == ".svg" and ET.parse(path) for path in made)


@pytest.mark.slow
def test_the_worst() -> None:
    """Each with the reason; several diagrams are Markdown; a page of several has each call's sentence."""
    text = explain(FAILED, "--worst", "2", "--rule", "unusual-cause", "--format", "mermaid").stdout

    assert text.count("```mermaid\nsequenceDiagram\n") == 2
    assert text.count("unusual-cause: ended with ") == 2
    for form in (["--format", "svg"], ["-o", "ladder.svg"], ["-o", "ladder.mmd"]):
        assert "file shows one call" in explain(FAILED, "--worst", "2", *form, code=2).stderr
    assert "no rule is named hold" in explain(FAILED, "--worst", "2", "--rule", "hold", code=2).stderr


@pytest.mark.slow
def test_what_happened_is_said_in_a_sentence_first() -> None:
    """In every form."""
    said = "1001 called 1002, who answered after 0.3 s; 1002 transferred 1001 to 1003, who answered after 0.3 s;"
    blind = "1795474757.81"

    assert explain(TRANSFERS, blind).stdout.splitlines()[1].startswith(said)
    for form in ("html", "svg", "mermaid"):
        assert (
            said.replace(";", "#59;" if form == "mermaid" else ";")
            in explain(TRANSFERS, blind, "--format", form).stdout
        )


@pytest.mark.slow
def test_a_row_of_the_recording_leads_to_its_call_and_back() -> None:
    """`--seq` marks the row; every row of the ladder is one that `cat` prints."""
    text = explain(TRANSFERS, "--seq", "224").stdout
    rows = re.findall(r"^ +(\d+) +[\d.:]+[ »] ", text.partition("Ladder")[2], re.MULTILINE)
    (marked,) = [line for line in text.splitlines() if "» " in line and "the selected row" not in line]
    printed = CliRunner().invoke(cli, ["cat", TRANSFERS, *(arg for row in rows for arg in ("--seq", row))]).stdout
    of_call = CliRunner().invoke(cli, ["cat", TRANSFERS, "--call", "1795474757.81"]).stdout.splitlines()

    assert marked.split()[0] == "224"
    assert "transfers (blind)" in marked
    assert len(rows) > 20
    assert set(printed.splitlines()) <= set(of_call)
    assert len(printed.splitlines()) == len(rows)
    for form, mark in (("svg", 'class="marked"'), ("html", "<tr class=marked>")):
        assert explain(TRANSFERS, "--seq", "224", "--format", form).stdout.count(mark) == 1


@pytest.mark.slow
def test_a_row_that_is_left_out_is_shown_where_it_is_asked_for() -> None:
    """A caller id says little, and the reader came for it."""
    connection = connect(TRANSFERS, models=())
    (seq,) = connection.execute("SELECT min(seq) FROM ChannelConnectedLine").fetchone() or ()

    assert "ChannelConnectedLine" in explain(TRANSFERS, "--seq", str(seq)).stdout


@pytest.mark.slow
def test_a_row_that_is_not_there() -> None:
    """Is an error that says where to look."""
    assert "no row 999999 is in the recording" in explain(TRANSFERS, "--seq", "999999", code=1).stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "Name a call by an id"),
        ((CALL, "--worst", "3"), "Name a call by an id"),
        ((CALL, "--rule", "unusual-cause"), "--rule needs --worst"),
        ((CALL, "--seq", "3"), "Name a call by an id"),
    ],
)
def test_wrong_usage(args: tuple[str, ...], said: str) -> None:
    """Is told with what would be right."""
    assert said in explain(TRANSFERS, *args, code=2).stderr


@pytest.mark.slow
def test_a_call_that_is_not_there() -> None:
    """Says how to list those that are."""
    assert "`arirecord calls " in explain(TRANSFERS, "nobody", code=1).stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('{"a":' * 900 + "1" + "}" * 900, "user event x: (nested too deeply to be shown)"),
        (f'{{"a":"{"long " * 200}"}}', "long long… (1,008 characters)"),
    ],
    ids=["nested deeply", "long"],
)
def test_a_user_event_that_is_not_shown_whole(tmp_path: Path, value: str, said: str) -> None:
    """The call is explained; a remark stands for the value, or for its rest."""
    channel = '{"id":"1.1","name":"PJSIP/a-1","state":"Up"}'
    head = f'"timestamp":"2026-11-23T22:58:46.368+0000","application":"a","asterisk_id":"b","channel":{channel}'
    lines = (
        f'{{"type":"ChannelCreated",{head}}}',
        f'{{"type":"ChannelUserevent",{head},"eventname":"x","userevent":{value}}}',
        f'{{"type":"ChannelDestroyed",{head},"cause":16,"cause_txt":"x"}}',
    )
    (tmp_path / "event.jsonl").write_text("\n".join(lines))
    session = str(tmp_path / "event.parquet")
    made = CliRunner().invoke(cli, ["import", str(tmp_path / "event.jsonl"), "-o", session])
    assert made.exit_code == 0, made.output

    assert said in explain(session, "--all", "--width", "1000").stdout
