"""File names: a session gives the same answers under every name, and only the named file is read."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

import arirecord
from arirecord.cli import cli

from .conftest import SAMPLES

SESSION, OTHER = SAMPLES / "ivr_dtmf.parquet", SAMPLES / "talk_and_hold.parquet"
NAMES = [
    "call[1].parquet",
    "a*.parquet",
    "?.parquet",
    "[!a].parquet",
    "**/session.parquet",
    "{plain,call1}.parquet",
    "back\\slash[1].parquet",
    "~.parquet",
    "~/session.parquet",
    "~root/session.parquet",
    "kind=x/session.parquet",
    "type=busy/session.parquet",
    "seq=5/session.parquet",
    "channel_id=zzz/application=ivr/kind=binary.parquet",
    "asterisk_id=a/filename=b/session.parquet",
    'it\'s "quoted".parquet',
    "two\nlines.parquet",
    "s3:/bucket/session.parquet",
    "file:/session.parquet",
    "%41.parquet",
    "é.parquet",
]
NEIGHBOURS = ("call1.parquet", "abc.parquet", "x.parquet", "\\[x].parquet", "session.parquet", "A.parquet")
"""Other sessions that a pattern could match, and a name on which DuckDB's patterns fail."""
COLUMNS = "seq, kind, type, application, asterisk_id, channel_id, raw"
VERBS: Sequence[Sequence[str]] = [
    ("cat", "{}"),
    ("query", "{}", "SELECT kind, type, application, channel_id, seq FROM events ORDER BY seq", "--format", "csv"),
    ("calls", "{}", "--format", "csv"),
    ("explain", "{}", "--all"),
    ("diff", "{}", "plain.parquet"),
]
WRITERS = {"filter": ("--type", "Dial"), "compact": (), "redact": ("--key-file", "key")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with other sessions."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SESSION, "plain.parquet")
    for name in NEIGHBOURS:
        shutil.copy(OTHER, name)
    return tmp_path


def named(name: str) -> str:
    """Return the name of a new copy of the session, in folders of its own."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SESSION, name)
    return name


def invoke(*args: object) -> str:
    """Run a verb in this process, and return what it prints."""
    done = CliRunner().invoke(cli, list(map(str, args)))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_a_name(folder: Path, name: str) -> None:
    """Not a pattern, a column, a home folder or an address, as DuckDB, polars and pyarrow would read it."""
    plain, session = arirecord.open_session("plain.parquet"), arirecord.open_session(named(name))
    rows = [
        arirecord.connect(each, models=()).execute(f"SELECT {COLUMNS} FROM rows ORDER BY seq").fetchall()
        for each in (plain.path, Path(name), Path(name).absolute())
    ]

    assert rows[0] == rows[1] == rows[2]
    assert list(session.frames(kinds=None)) == list(plain.frames(kinds=None))
    assert session.events().collect().equals(plain.events().collect())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["call[1].parquet", "~/session.parquet", "kind=x/type=busy/session.parquet"])
def test_a_name_changes_no_output(folder: Path, name: str) -> None:
    """Verbs print the same for every name, and write the same to every name."""
    named(name)
    Path("key").write_text("0123456789abcdef0123456789abcdef")
    Path("key").chmod(0o600)
    for verb in VERBS:
        printed = [invoke(*(each.replace("{}", given) for each in verb)) for given in ("plain.parquet", name)]
        assert printed[0] == printed[1]
    for writer, options in WRITERS.items():
        written = []
        for given in ("plain.parquet", name):
            target = Path(f"out-{writer}") / given
            target.parent.mkdir(parents=True, exist_ok=True)
            invoke(writer, given, *options, "-o", target)
            written.append(list(arirecord.open_session(target).frames(kinds=None)))
        assert written[0] == written[1]


def test_folders_are_no_columns(folder: Path) -> None:
    """A folder of sessions below `kind=x` and `seq=5` has the rows of its files."""
    for name in ("kind=x/seq=5/a[1].parquet", "kind=x/type=busy/b.parquet"):
        named(name)
    shutil.copytree("kind=x", "plain")
    counts = [
        json.loads(invoke("query", each, "SELECT count(*) AS n, max(seq) AS m FROM events", "--format", "json"))
        for each in ("kind=x", "plain")
    ]

    assert counts[0] == counts[1]
    assert counts[0][0]["n"] == 2 * arirecord.open_session("plain.parquet").header.events


@pytest.mark.slow
def test_a_script_outlives_its_process(folder: Path) -> None:
    """`models --sql` names the file, whatever it is called."""
    Path("own").mkdir()
    shutil.copy(OTHER, "own/call1.parquet")
    script = invoke("models", named("own/call[1].parquet"), "--sql", "--model", "calls")
    connection = duckdb.connect()
    connection.execute(script)

    assert "session.parquet" not in script
    counts = connection.execute("SELECT count(*) FROM calls").fetchall()
    assert (
        counts == arirecord.connect("plain.parquet", models=["calls"]).execute("SELECT count(*) FROM calls").fetchall()
    )
