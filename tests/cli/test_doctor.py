"""`arirecord doctor`, run as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from arirecord.session.journal import JournalWriter
from tests.waiting import HANG_S

from .conftest import SAMPLES, Run

pytestmark = pytest.mark.slow

IVR = SAMPLES / "ivr_dtmf.parquet"
START_NS = 1_795_474_657_000_000_000


def test_a_healthy_session(run: Run) -> None:
    """Exit code 0; the verdict first, then a table."""
    text = run("doctor", IVR).stdout.decode()

    assert text.startswith(f"{IVR}: healthy (3 notes)\n")
    assert "linkedid" in text


def test_findings_as_data(run: Run) -> None:
    """One object a path."""
    found = json.loads(run("doctor", IVR, SAMPLES / "failed_calls.parquet", "--quick", "--format", "json").stdout)

    assert [entry["verdict"] for entry in found] == ["healthy", "healthy"]
    assert found[0]["path"] == str(IVR)
    assert set(found[0]["findings"][0]) == {"severity", "rule", "where", "what", "fix"}


def test_something_may_be_lost(run: Run, tmp_path: Path) -> None:
    """Exit code 3, and what to do."""
    writer = JournalWriter(tmp_path / "s.parquet.journal", START_NS, {"verb": "capture"})
    for i in range(20):
        writer.write([(START_NS + i, i, "event", f'{{"type":"Dial","dialstatus":"{i}"}}')])
    writer.close()
    writer.path.write_bytes(writer.path.read_bytes()[:-20])
    text = run("doctor", writer.path, code=3).stdout.decode()

    assert "lossy (1 warning" in text
    assert f"arirecord recover {writer.path}" in text


def test_damaged(run: Run, tmp_path: Path) -> None:
    """Exit code 1, whatever else is healthy."""
    (tmp_path / "x.parquet").write_text("hello")
    text = run("doctor", IVR, tmp_path / "x.parquet", code=1).stdout.decode()

    assert "x.parquet: damaged (1 error)" in text


def test_nothing_to_examine(run: Run) -> None:
    """Is wrong usage; a missing file is a failure."""
    run("doctor", code=2)
    run("doctor", "nowhere.parquet", code=1)


def test_polars_is_loaded_only_where_it_is_needed() -> None:
    """`--help` is quick."""
    code = "import sys, arirecord.cli.doctor; sys.exit('polars' in sys.modules or 'pyarrow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], timeout=HANG_S).returncode == 0
