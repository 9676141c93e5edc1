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
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in ({cell!r}, "%%sql\\nSELECT count(*) AS transfers\\nFROM transfers"):
    done = shell.run_cell(cell)
    done.raise_error()
    print("FOUND", done.result["transfers"].sum())
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


def test_sql_in_cells(tmp_path: Path) -> None:
    """`%sql` is as the tutorial shows, in a line and in a cell."""
    [cell] = re.findall(r"^```ipython\n(import arirecord\n.*?)^```", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_JUPYTER.format(cell=cell)],
        cwd=SAMPLE.parents[1],
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    transfers = arirecord.open_session(SAMPLE).transfers().height
    assert done.stdout.count(f"FOUND {transfers}\n") == 2, done.stdout + done.stderr
