"""Export: the same events in other forms."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from arirecord.asterisk.catalogue import columns_of
from arirecord.capture.importer import import_streams
from arirecord.errors import TargetExists
from arirecord.session.reader import open_session
from arirecord.session.rewrite import read_rows
from arirecord.transform.export import Form, export_by_type, export_lines, export_table
from tests.conftest import Sessions

from .support import write


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_by_type(sessions: Sessions, tmp_path: Path, form: Form) -> None:
    """A file for each type, with its columns and all its events."""
    session = open_session(sessions["ivr_dtmf/all"])
    counts = export_by_type(session, tmp_path / "out", form)

    assert counts == session.header.types
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{name}.{form}" for name in counts}
    path = tmp_path / "out" / f"ChannelDtmfReceived.{form}"
    read: dict[str, Callable[[Path], pl.DataFrame]] = {"csv": pl.read_csv, "jsonl": pl.read_ndjson}
    dtmf = read.get(form, pl.read_parquet)(path)
    expected = [json.loads(f.raw) for f in session.frames(types=["ChannelDtmfReceived"])]
    assert [str(d) for d in dtmf["digit"].to_list()] == [e["digit"] for e in expected]
    assert {c.name for c in columns_of("ChannelDtmfReceived")} <= set(dtmf.columns)
    with pytest.raises(TargetExists):
        export_by_type(session, tmp_path / "out", "csv")


def test_what_is_unknown_has_its_file(tmp_path: Path) -> None:
    """Types that the catalogue lacks, other kinds, and rows of no kind that is known."""
    rows: list[str | tuple[str, str]] = [
        '{"type":"../Evil","x":1}',
        "no JSON",
        ("connection", '{"type":"opened","connection_url":"u"}'),
        ("new", "?"),
    ]
    session = open_session(write(tmp_path / "one.parquet", rows))

    assert export_by_type(session, tmp_path / "out", "parquet") == {"unknown": 2, "connection": 1, "other": 1}
    assert pq.read_table(tmp_path / "out" / "unknown.parquet")["raw"].to_pylist() == rows[:2]
    assert pq.read_table(tmp_path / "out" / "connection.parquet")["connection_url"].to_pylist() == ["u"]


def test_lines_can_be_imported_again(sessions: Sessions, tmp_path: Path) -> None:
    """Frames, times and kinds come back."""
    session = open_session(sessions["userevents_textmessage/all"])
    count = export_lines(session, tmp_path / "out.jsonl")
    import_streams([tmp_path / "out.jsonl"], tmp_path / "again.parquet")

    assert count == session.header.rows
    assert [r[2:] for r in read_rows(open_session(tmp_path / "again.parquet"))] == [r[2:] for r in read_rows(session)]
    with pytest.raises(TargetExists):
        export_lines(session, tmp_path / "out.jsonl")


def test_one_table(sessions: Sessions, tmp_path: Path) -> None:
    """All rows and columns, in order."""
    session = open_session(sessions["edge_pretty_tz/pretty"])
    export_table(session, tmp_path / "out.csv", "csv")
    export_table(session, tmp_path / "out.parquet", "parquet")

    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        told = list(csv.DictReader(file))
    assert [row["raw"] for row in told] == [f.raw for f in session.frames()]
    assert pq.read_table(tmp_path / "out.parquet").column_names == session.parts[0].schema.names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.parquet"]
