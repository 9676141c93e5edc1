"""`arirecord.connect` in the tools that people have: plain DuckDB, `%sql` in Jupyter, polars."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import arirecord
from tests.waiting import HANG_S

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[1] / "sample_data" / "transfers.parquet"

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.md"

IN_JUPYTER = """
import arirecord
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.user_ns["arirecord"] = arirecord
done = shell.run_cell({cell!r})
done.raise_error()
print("FOUND", sum(row[2] for row in done.result))
"""


def test_plain_duckdb() -> None:
    """It is a DuckDB connection: relations, views, and further tables of one's own beside them."""
    connection = arirecord.connect(SAMPLE)
    connection.execute("CREATE TABLE people AS SELECT '1001' AS number, 'reception' AS who")
    rows = connection.sql("SELECT count(*) FROM calls JOIN people ON number = caller_number").fetchall()
    assert rows == connection.sql("SELECT count(*) FROM calls WHERE caller_number = '1001'").fetchall() != [(0,)]


def test_polars() -> None:
    """Both ways: a table as a DataFrame, and a DataFrame in a question."""
    connection = arirecord.connect(SAMPLE)
    calls = connection.sql("FROM calls").pl()
    assert calls.height == arirecord.open_session(SAMPLE).calls().height
    wanted = calls.filter(calls["transfer_count"] > 0).select("call_id")
    assert (
        connection.sql("SELECT count(*) FROM legs SEMI JOIN wanted USING (call_id)").fetchall()[0][0] >= wanted.height
    )


def test_jupysql(tmp_path: Path) -> None:
    """`%sql` takes the connection as the tutorial shows."""
    [cell] = re.findall(r"^```ipython\n(%load_ext sql\n.*?)^```", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_JUPYTER.format(cell=cell)],
        cwd=SAMPLE.parents[1],
        env={**os.environ, "PLOOMBER_STATS_ENABLED": "false", "IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert f"FOUND {arirecord.open_session(SAMPLE).transfers().height}" in done.stdout, done.stdout + done.stderr
