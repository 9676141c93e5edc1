"""`arirecord query`: where SQL comes from, several statements, and what goes wrong."""

import json
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from .conftest import SAMPLES, Run

IVR = SAMPLES / "ivr_dtmf.parquet"


def test_every_result_is_printed(run: Run) -> None:
    """In the order of the statements; a statement without rows prints nothing."""
    text = run("query", IVR, "SELECT 1 AS one; SET threads = 1; SELECT 2 AS two;", "--format", "jsonl").stdout
    assert [json.loads(line) for line in text.splitlines()] == [{"one": 1}, {"two": 2}]

    table = run("query", IVR, "CREATE TABLE t AS SELECT 7 AS seven; FROM t").stdout.decode()
    assert table.count("seven") == 1
    assert "Count" not in table


@pytest.mark.parametrize("statement", ["EXPLAIN FROM calls", "DESCRIBE calls", "SUMMARIZE dtmf", "SHOW TABLES"])
def test_other_statements(run: Run, statement: str) -> None:
    """Have rows too."""
    assert run("query", IVR, statement, "--format", "jsonl").stdout


@pytest.mark.slow
def test_pivot_is_one_statement(run: Run) -> None:
    """DuckDB makes several of it."""
    query = "PIVOT (SELECT disposition FROM calls) ON disposition USING count(*)"
    run("query", IVR, query, "--format", "json", "-o", "pivot.json")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "a,b\n"),
        ("json", "[]\n"),
        ("jsonl", ""),
        ("markdown", "| a | b |\n| ---: | --- |\n"),
        ("table", "a  b\n────\n"),
    ],
)
def test_a_result_without_rows(run: Run, form: str, text: str) -> None:
    """Still has its columns, where the format has them."""
    assert run("query", IVR, "SELECT 1 AS a, 'x' AS b WHERE false", "--format", form).stdout.decode() == text


@pytest.mark.parametrize("content", [b"SELECT '\xe9'", "SELECT 1".encode("utf-16"), IVR.read_bytes()[:4000]])
def test_sql_that_is_not_utf8(run: Run, tmp_path: Path, content: bytes) -> None:
    """In a file, from standard input and as an argument."""
    (tmp_path / "q.sql").write_bytes(content)
    assert b"q.sql is not text in UTF-8" in run("query", IVR, "-f", "q.sql", code=2).stderr
    assert b"<stdin> is not text in UTF-8" in run("query", IVR, "-", input=content, code=2).stderr
    for arguments in (["query", IVR, "SELECT \udcff"], ["calls", IVR, "--where", "\udcff"], ["explain", IVR, "\udcff"]):
        assert b"the text is not UTF-8" in run(*arguments, code=2).stderr


def test_a_parquet_file_without_rows(run: Run, tmp_path: Path) -> None:
    """Has columns and their types."""
    run("query", IVR, "SELECT 1::BIGINT AS a, 'x' AS b WHERE false", "-o", "empty.parquet")
    assert pl.read_parquet(tmp_path / "empty.parquet").schema == {"a": pl.Int64, "b": pl.String}


@pytest.mark.slow
def test_sql_from_a_file_and_from_stdin(run: Run, tmp_path: Path) -> None:
    """The same result as on the command line."""
    query = "SELECT count(*) AS n FROM calls -- with a comment at the end"
    expected = run("query", IVR, query, "--format", "csv").stdout
    (tmp_path / "q.sql").write_text(query)

    assert run("query", IVR, "--file", "q.sql", "--format", "csv").stdout == expected
    assert run("query", IVR, "-", "--format", "csv", input=query.encode()).stdout == expected
    assert run("query", IVR, "-f", "-", "--format", "csv", input=query.encode()).stdout == expected


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([""], 2, "The SQL is empty"),
        (["/* nothing */ ;"], 2, "The SQL is empty"),
        ([], 2, "Give either SQL, - for standard input, or --file FILE"),
        (["SELECT 1", "--file", "-"], 2, "Give either SQL, - for standard input, or --file FILE"),
        ([str(IVR)], 2, f"{IVR} is a file: add --file before it"),
        (["--file", "missing.sql"], 2, "missing.sql"),
        (["SELECT 1; SELECT 2", "-o", "x.csv", "--format", "csv"], 2, "write one query for each"),
        (["SELECT 1; SELECT 2", "--format", "parquet"], 2, "write one query for each"),
        (["SELECT 1;\nSELECT FROM x y z"], 1, "LINE 2"),
        (["FROM call"], 1, "Did you mean 'calls'"),
        (["DESCRIBE cals"], 1, "Did you mean 'calls'"),
        (["SELECT nonsense FROM calls"], 1, "nonsense"),
    ],
)
def test_what_goes_wrong_is_reported(run: Run, tmp_path: Path, args: list[str], code: int, words: str) -> None:
    """In words, with the place in the SQL, and nothing is written."""
    done = run("query", IVR, *args, code=code, stdin=subprocess.DEVNULL)

    assert words in done.stderr.decode()
    assert done.stdout == b""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_csv('neighbour.csv')",
        "FROM 'neighbour.csv'",
        "FROM glob('*')",
        "FROM read_text('/etc/hosts')",
        "FROM 's3://bucket/session.parquet'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH 'other.db'",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/hosts']",
        "SET temp_directory = '.'",
        "SET lock_configuration = false",
        "COPY (SELECT 1) TO 'copy.csv'",
        "COPY (SELECT 1) TO 'session.parquet' (USE_TMP_FILE false)",
        "WITH a AS (COPY (SELECT 1) TO 'session.parquet' (USE_TMP_FILE false)) FROM a",
        "WITH a AS (\u00a0COPY (SELECT 1) TO 'session.parquet' (USE_TMP_FILE false)) FROM a",
        "EXPLAIN ANALYZE /* */ copy(SELECT 1) TO 'session.parquet' (USE_TMP_FILE false)",
        "PREPARE w AS COPY (SELECT 1) TO 'session.parquet' (USE_TMP_FILE false); EXECUTE w",
        "FROM query('WITH a AS (COPY (SELECT 1) TO ''session.parquet'' (USE_TMP_FILE false)) FROM a')",
        "EXPORT DATABASE 'exported'",
        "CALL enable_logging(storage = 'file', storage_path = 'log')",
        "CREATE PERSISTENT SECRET s (TYPE http)",
    ],
)
def test_sql_sees_the_session_and_nothing_else(run: Run, tmp_path: Path, statement: str) -> None:
    """It reads no other file, writes none, the session least of all, and loads no extension."""
    shutil.copy(IVR, tmp_path / "session.parquet")
    (tmp_path / "neighbour.csv").write_text("a\nsecret\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    done = run("query", "session.parquet", statement, "--format", "csv", code=1)

    assert b"secret" not in done.stdout
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("words", ["--unsafe", "-o"])
def test_a_refusal_gives_advice(run: Run, words: str) -> None:
    """How to write a result, and how to allow everything."""
    assert words in run("query", IVR, "COPY (SELECT 1) TO 'x.csv'", code=1).stderr.decode()


def test_unsafe_sql_reads_and_writes_files(run: Run, tmp_path: Path) -> None:
    """As DuckDB itself."""
    run("query", IVR, "COPY (SELECT 7 AS seven) TO 'seven.csv'", "--unsafe")
    assert run("query", IVR, "FROM 'seven.csv'", "--unsafe", "--format", "csv").stdout == b"seven\n7\n"


@pytest.mark.parametrize("name", ["./session.parquet", "link", "more.parquet"])
def test_unsafe_sql_never_replaces_the_session(run: Run, tmp_path: Path, name: str) -> None:
    """However it is named, and adds no part to a folder."""
    folder = tmp_path / "it's"
    folder.mkdir()
    shutil.copy(IVR, folder / "session.parquet")
    (folder / "link").symlink_to("session.parquet")
    statement = f"SET threads = 1; COPY (SELECT 1) to 'it''s/{name}' (FORMAT parquet, USE_TMP_FILE false)"
    done = run("query", "it's", statement, "--unsafe", code=1)

    assert b"it's" in done.stderr and b"choose another" in done.stderr
    assert (folder / "session.parquet").read_bytes() == IVR.read_bytes()
    assert not (folder / "more.parquet").exists()


def test_restricted_sql_keeps_what_concerns_the_session(run: Run) -> None:
    """Its own tables, variables, limits and time zone, and columns named as a statement."""
    statements = (
        "SET memory_limit = '500MB'; SET TimeZone = 'Europe/Prague'; SET VARIABLE dtmf_gap_ms = 20; "
        "CREATE TABLE t AS SELECT 1 AS \"copy\", 'copy' AS b; SELECT count(*) AS n FROM t, dtmf"
    )
    assert json.loads(run("query", IVR, statements, "--format", "jsonl").stdout)["n"] > 0


@pytest.mark.slow
def test_conditions_see_the_session_and_nothing_else(run: Run, tmp_path: Path) -> None:
    """`--where` reads and writes no other file either."""
    (tmp_path / "neighbour.csv").write_text("a\n1\n")
    for condition in (
        "(SELECT count(*) FROM read_csv('neighbour.csv')) > 0",
        "true); COPY (SELECT 1) TO 'x.csv'; SELECT (true",
    ):
        run("calls", IVR, "--where", condition, code=2)

    assert [path.name for path in tmp_path.iterdir()] == ["neighbour.csv"]
