"""Given these frames, a model has these rows: `cases/<model>/<case>/given.txt` and `expect.json`.

Frames are in the notation of `tests/given.py`, or as JSON in `given.jsonl`. Rows of `expect.json` name the columns that
matter; their order does not. A frame of type `gap` is a connection row, one of type `POST` or `DELETE` a REST exchange.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from arirecord.analytics import connect
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal
from tests.given import frames

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/*/expect.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_case(case: Path, tmp_path: Path) -> None:
    """The model has the expected rows, as many and no others."""
    expected = orjson.loads((case / "expect.json").read_bytes())
    con = given(frames_of(case), tmp_path / "session.parquet", case.parent.name)
    columns = list(expected[0]) if expected else ["*"]
    rows = con.execute(f"SELECT {', '.join(columns)} FROM {case.parent.name}").fetchall()
    found = [dict(zip(columns, map(plain, row), strict=True)) for row in rows] if expected else rows
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def frames_of(case: Path) -> list[str]:
    text = case / "given.txt"
    return frames(text.read_text()) if text.exists() else (case / "given.jsonl").read_text().splitlines()


def given(frames: list[str], target: Path, *models: str) -> duckdb.DuckDBPyConnection:
    """A connection to a session of these frames."""
    return connect(record(frames, target), models=models)


def record(frames: list[str], target: Path, *, start_ms: int = 0) -> Path:
    """A session of these frames, a millisecond apart."""
    start_ns = start_ms * 1_000_000
    writer = JournalWriter(journal_path(target), start_ns, {"verb": "import"})
    kinds = {"gap": "connection", "GET": "rest", "POST": "rest", "DELETE": "rest"}
    writer.write(
        (start_ns + ms * 1_000_000, ms * 1_000_000, kinds.get(orjson.loads(frame)["type"], "event"), frame)
        for ms, frame in enumerate(frames)
    )
    writer.close()
    seal(journal_path(target), target)
    return target


def plain(value: Any) -> Any:
    return value.isoformat(" ", "milliseconds") if isinstance(value, datetime) else value
