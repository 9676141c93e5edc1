"""The verbs, run as a user runs them."""

import json
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from arirecord.cli import _OTHER_NAMES, GROUPS, VERBS
from arirecord.session.journal import JournalWriter
from tests.waiting import HANG_S

from .conftest import COMMAND, SAMPLES, Run

IVR = SAMPLES / "ivr_dtmf.parquet"


@pytest.mark.parametrize("verb", [verb for group in GROUPS if group[:6] != "Tables" for verb in GROUPS[group]])
def test_every_help_ends_with_examples(run: Run, verb: str) -> None:
    """And each example calls that verb; no line is wider than a terminal of 80 columns."""
    text = run(verb, "--help", env={**os.environ, "COLUMNS": "80"}).stdout.decode()

    assert f"arirecord {verb}" in text.partition("Examples:")[2]
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_help_names_every_verb(run: Run) -> None:
    """Without loading any of them."""
    text = run("--help").stdout.decode()

    assert all(f"  {verb} " in text for verb in VERBS)


def test_the_list_of_commands_fits_a_terminal(run: Run) -> None:
    """At 80 columns each command has one line with a whole sentence."""
    lines = run("help", env={**os.environ, "COLUMNS": "80"}).stdout.decode().splitlines()
    listed = {line.split()[0]: line for line in lines if line.startswith("  ") and line.split()[0] in VERBS}

    assert listed.keys() == VERBS.keys()
    assert max(map(len, lines)) <= 80
    for verb, (_, summary) in VERBS.items():
        assert listed[verb].endswith(f" {summary}")
        assert len(summary) <= 60
        assert summary.endswith((".", "…"))


def test_help_of_a_command(run: Run) -> None:
    """`help VERB` is `VERB --help`; a mistyped name gets a suggestion."""
    assert run("help", "explain").stdout == run("explain", "--help").stdout
    assert b"Did you mean 'explain'?" in run("help", "explian", code=2).stderr


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("explian", "Did you mean 'explain'?"),
        ("call", "Did you mean 'explain' or 'calls'?"),
        ("stats", "Did you mean 'info' or 'kpis'?"),
        ("Transfer", "Did you mean 'transfers'?"),
        ("xyzzy", "`arirecord --help` lists the commands"),
    ],
)
def test_an_unknown_command(run: Run, verb: str, words: str) -> None:
    """The closest commands are named, also those that other tools call by that name."""
    assert words in run(verb, code=2).stderr.decode()


def test_other_names_of_commands() -> None:
    """Lead to commands that exist, and hide none."""
    assert _OTHER_NAMES.keys() <= VERBS.keys()
    assert not {name for names in _OTHER_NAMES.values() for name in names} & VERBS.keys()


def test_version(run: Run) -> None:
    """`--version` says it."""
    assert run("--version").stdout.startswith(b"arirecord, version ")


@pytest.mark.slow
def test_cat_and_import_are_inverse(run: Run, tmp_path: Path) -> None:
    """`cat --format jsonl | import -` gives the same session again."""
    text = run("cat", IVR, "--format", "jsonl").stdout
    run("import", "-", "-o", "again.parquet", input=text)

    assert run("cat", tmp_path / "again.parquet", "--format", "jsonl").stdout == text
    assert len(text.splitlines()) == 230


@pytest.mark.slow
def test_cat_filters(run: Run) -> None:
    """By type, channel and time."""
    everything = [json.loads(line) for line in run("cat", IVR).stdout.splitlines()]
    dtmf = run("cat", IVR, "--type", "ChannelDtmfReceived").stdout.splitlines()
    channel = [json.loads(line) for line in run("cat", IVR, "--channel", "1795474657.0").stdout.splitlines()]
    early = run("cat", IVR, "--until", "+10s").stdout.splitlines()
    late = run("cat", IVR, "--since", "+10s").stdout.splitlines()
    at = run("cat", IVR, "--since", "2026-11-23T22:57:47.4").stdout.splitlines()

    assert len(dtmf) == sum(e["type"] == "ChannelDtmfReceived" for e in everything) > 0
    assert len(channel) > 20
    assert all("1795474657.0" in json.dumps(e) for e in channel)
    assert len(early) + len(late) == len(everything)
    assert 0 < len(at) < len(everything)


def test_cat_into_a_closed_pipe() -> None:
    """`cat | head` ends without a word."""
    cat = subprocess.Popen(
        [*COMMAND, "cat", str(SAMPLES / "peak_load.parquet")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert cat.stdout is not None
    cat.stdout.readline()
    cat.stdout.close()
    _, errors = cat.communicate(timeout=HANG_S)

    assert (cat.returncode, errors) == (0, b"")


def test_info(run: Run) -> None:
    """As a table and as JSON: the same facts."""
    text = run("info", IVR).stdout.decode()
    facts = json.loads(run("info", IVR, "--format", "json").stdout)

    assert facts["events"] == 230
    assert facts["channels"] == 8
    assert (
        facts["types"]["ChannelDtmfReceived"]
        == text.count("ChannelDtmfReceived") * facts["types"]["ChannelDtmfReceived"]
    )
    assert "230  recorder" in text


QUERY = (
    "SELECT channel_id, digit, duration_ms, timestamp, ['a', 'b'] AS list FROM ChannelDtmfReceived ORDER BY seq LIMIT 2"
)


@pytest.mark.slow
def test_query_forms(run: Run, tmp_path: Path) -> None:
    """CSV, JSON, lines of JSON, Parquet and the table hold the same rows."""
    csv = run("query", IVR, QUERY, "--format", "csv").stdout.decode().splitlines()
    rows = json.loads(run("query", IVR, QUERY, "--format", "json").stdout)
    lines = [json.loads(line) for line in run("query", IVR, QUERY, "--format", "jsonl").stdout.splitlines()]
    run("query", IVR, QUERY, "--format", "parquet", "-o", "out.parquet")
    table = run("query", IVR, QUERY).stdout.decode()

    assert rows == lines
    assert len(csv) == 3
    assert csv[1].startswith(f"{rows[0]['channel_id']},{rows[0]['digit']},{rows[0]['duration_ms']},")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 2
    assert rows[0]["list"] == ["a", "b"]
    assert rows[0]["channel_id"] in table


@pytest.mark.slow
def test_query_without_rows(run: Run) -> None:
    """Is no error in any form."""
    for form in ("table", "csv", "json", "jsonl", "parquet"):
        out = run("query", IVR, "SELECT 1 AS one WHERE false", "--format", form).stdout
        if form == "json":
            assert json.loads(out) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["query", IVR, "SELECT nonsense FROM calls"], 1, "nonsense"),
        (["query", IVR, "SELEC"], 1, "SELEC"),
        (["query", IVR, ""], 2, "The SQL is empty"),
        (["import", IVR, "-o", "new.parquet"], 1, "a session needs no import"),
        (["info", "missing.parquet"], 1, "missing.parquet does not exist"),
        (["info", __file__], 1, "is not an arirecord session: it is neither Parquet nor JSON lines"),
        (["import", "missing.jsonl"], 1, "missing.jsonl does not exist"),
        (["import", IVR, "-o", IVR, "--force"], 1, "is an input of this command"),
        (["capture", "--url", "nonsense"], 1, "http://host:8088/ari"),
        (["capture", "--duration", "soon"], 2, "is not a duration such as 30s"),
        (["capture", "--user", "somebody"], 2, "set ARIRECORD_PASSWORD"),
        (["cat", IVR, "--since", "noon"], 2, "is not a time such as"),
        (["recover", IVR, "-o", "x.parquet"], 1, "is not a journal"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_what_goes_wrong_is_said(run: Run, tmp_path: Path, args: list[object], code: int, words: str) -> None:
    """In one sentence, with the right exit code, and nothing on stdout."""
    done = run(*args, code=code, stdin=subprocess.DEVNULL)

    assert words in done.stderr.decode()
    assert done.stdout == b""
    assert not list(tmp_path.iterdir())


def test_broken_events_are_exit_code_3(run: Run, tmp_path: Path) -> None:
    """The session is made, and one sentence reports the loss."""
    done = run("import", "-", "-o", "s.parquet", input=b'{"type":"Dial"}\n{"type":"Dial","peer\n' * 200, code=3)

    assert b'standard input: 200 broken events left out, such as {"type":"Dial","peer' in done.stderr
    assert done.stderr.count(b"\n") == 2
    assert len(run("cat", tmp_path / "s.parquet").stdout.splitlines()) == 200


@pytest.mark.slow
def test_text_beside_events_is_a_remark(run: Run) -> None:
    """It is left out; `--keep-text` keeps it as rows that are not events."""
    text = b'Connected\n< {"type":"Dial"}\n'
    done = run("import", "-", "-o", "s.parquet", input=text)
    assert b"standard input: 1 line without an ARI event left out (--keep-text keeps them)" in done.stderr

    run("import", "-", "-o", "t.parquet", "--keep-text", input=text)
    assert run("cat", "t.parquet", "--all-kinds").stdout.splitlines() == [b"Connected", b'{"type":"Dial"}']
    assert run("cat", "t.parquet").stdout.splitlines() == [b'{"type":"Dial"}']
    assert b"healthy" in run("doctor", "t.parquet").stdout


def test_a_file_without_events_is_exit_code_3(run: Run, tmp_path: Path) -> None:
    """One sentence and no session."""
    done = run("import", "-", "-o", "s.parquet", input=b"a\nb\n" * 500, code=3)

    assert done.stderr.decode() == (
        "Error: standard input is not an ARI event stream: it has 1,000 lines of text without one, such as line 1: a\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_recover(run: Run, tmp_path: Path) -> None:
    """A journal left behind: reading says what to do, recover does it, and a torn one is exit code 3."""
    writer = JournalWriter(tmp_path / "s.parquet.journal", 1, {"verb": "test"})
    for n in range(10):
        writer.write([(n, n, "event", f'{{"type":"Dial","dialstatus":"{n}"}}')])
    writer.close()
    hint = run("info", "s.parquet", code=1).stderr.decode()
    assert "arirecord recover s.parquet.journal" in hint
    whole = writer.path.read_bytes()
    run("recover", "s.parquet")  # the name that was given to `capture`
    assert len(run("cat", "s.parquet").stdout.splitlines()) == 10

    writer.path.write_bytes(whole[:-60])
    run("recover", "s.parquet.journal", code=1)
    done = run("recover", "s.parquet.journal", "-o", "torn.parquet", code=3)
    assert b"cut off" in done.stderr


def test_recover_a_folder(run: Run, tmp_path: Path) -> None:
    """Every journal in it, at any depth."""
    for name in ("a", "b"):
        (tmp_path / "days" / name).mkdir(parents=True)
        writer = JournalWriter(tmp_path / "days" / name / "s.parquet.journal", 1, {})
        writer.write([(1, 0, "event", f'"{name}"')])
        writer.close()
    run("recover", "days")

    assert run("cat", "days").stdout == b'"a"\n"b"\n'
    assert b"has no journal" in run("recover", "days", code=1).stderr


def test_recover_a_folder_in_which_somebody_records(run: Run, tmp_path: Path) -> None:
    """What can't be sealed is named and stays; the journals before and after it are sealed."""
    writers = [JournalWriter(tmp_path / f"{name}.parquet.journal", 1, {}) for name in "abc"]
    for writer in writers:
        writer.write([(1, 0, "event", '"x"')])
    writers[0].close()
    writers[2].close()
    (tmp_path / "d.parquet.journal").write_bytes(b"something else")
    done = run("recover", ".", code=1)
    writers[1].close()

    assert {path.name for path in tmp_path.glob("*.parquet*")} == {
        "a.parquet",
        "b.parquet.journal",
        "c.parquet",
        "d.parquet.journal",
    }
    assert b"b.parquet.journal is being written" in done.stderr
    assert b"2 of 4 journals were not sealed" in done.stderr
