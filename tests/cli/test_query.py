"""`arirecord query`: where SQL comes from, several statements, and what goes wrong."""

import json
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
        ([], 2, "Give either SQL or --file FILE"),
        (["SELECT 1", "--file", "-"], 2, "Give either SQL or --file FILE"),
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
