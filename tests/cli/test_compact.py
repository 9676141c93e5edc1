"""`arirecord compact`, as a process of its own."""

from pathlib import Path

import pytest

from tests.cli.conftest import SAMPLES, Run

pytestmark = pytest.mark.slow


def test_less_space_and_the_same_bytes(run: Run, tmp_path: Path) -> None:
    """Every verb takes the result like any session; a second one to the same place is refused."""
    session, compact = SAMPLES / "transfers.parquet", tmp_path / "c.parquet"
    said = run("compact", session, "-o", compact).stderr.decode()

    assert "bytes an event" in said
    assert compact.stat().st_size < session.stat().st_size
    assert run("cat", compact, "--all-kinds").stdout == run("cat", session, "--all-kinds").stdout
    question = "SELECT * FROM transfers ORDER BY ALL"
    answers = [run("query", path, question, "--format", "csv").stdout for path in (session, compact)]
    assert answers[0] == answers[1]
    assert b"exists" in run("compact", session, "-o", compact, code=1).stderr
    assert b"compact already" in run("compact", compact, "-o", tmp_path / "d.parquet", code=1).stderr


def test_a_lake_is_compacted_in_place(run: Run, tmp_path: Path) -> None:
    """Days of the age given; wrong options are wrong usage."""
    run("ingest", SAMPLES / "week", SAMPLES / "ivr_dtmf.parquet", tmp_path / "lake")
    calls = run("calls", tmp_path / "lake", "--format", "csv").stdout

    assert b"files instead of" in run("compact", tmp_path / "lake", "--older-than", "1h").stderr
    assert run("calls", tmp_path / "lake", "--format", "csv").stdout == calls
    assert b"leave out -o" in run(
        "compact", tmp_path / "lake", "--older-than", "7d", "-o", tmp_path / "out", code=2
    ).stderr  # fmt: skip
    assert b"Name the output" in run("compact", SAMPLES / "ivr_dtmf.parquet", code=2).stderr
    assert b"is not a lake" in run("compact", SAMPLES, "--older-than", "7d", code=1).stderr
