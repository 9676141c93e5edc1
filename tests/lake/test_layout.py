"""The layout of a lake: names of folders, and the list of its parts."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.errors import ArirecordError, NotASession, TargetExists
from arirecord.lake.layout import (
    LakePart,
    check_lake,
    date_folder,
    date_of,
    events_folder,
    is_lake,
    list_parts,
    make_lake,
    server_folder,
    server_of,
    table_names,
)

DAY = date(2026, 11, 23)
NAMES = ["02:fc:00:00:00:01", "pbx 1", "a/b=c%d", "é‰", "..", "+x", "[a]{b}^?*"]


def _touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@given(st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_a_server_is_read_back_from_its_folder(server: str | None) -> None:
    """Any name fits into one folder, and is read back."""
    folder = server_folder(server)

    assert "/" not in folder
    assert "\0" not in folder
    assert server_of(folder) == server


def test_a_server_that_is_named_like_no_server_is_another_one() -> None:
    """Its folder is not that of events without a server."""
    assert server_of(server_folder("__HIVE_DEFAULT_PARTITION__")) == "__HIVE_DEFAULT_PARTITION__"


def test_a_name_that_is_too_long_is_refused() -> None:
    """The message names the server."""
    with pytest.raises(ArirecordError, match="longer than a folder's name"):
        server_folder("x" * 300)


def test_engines_read_the_same_server_and_date(tmp_path: Path) -> None:
    """DuckDB, polars and pyarrow undo the escapes as this package does."""
    make_lake(tmp_path)
    servers = [None, *NAMES]
    for server in servers:
        folder = events_folder(tmp_path, server, DAY)
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"name": pa.array([server], pa.string())}), folder / "a.parquet")
    events = tmp_path / "events"
    files = f"{events}/*/*/*.parquet"
    expected = sorted((server, server, DAY) for server in NAMES)

    in_duckdb = duckdb.execute(
        f"SELECT name, server, date FROM read_parquet('{files}') WHERE name IS NOT NULL ORDER BY 1"
    )
    in_polars = pl.scan_parquet(events, hive_partitioning=True).drop_nulls("name").sort("name").collect()
    in_pyarrow = ds.dataset(events, partitioning="hive").to_table().to_pylist()

    assert in_duckdb.fetchall() == expected
    assert [(n, s, d) for n, s, d in in_polars.rows()] == expected
    assert sorted((row["name"], row["server"]) for row in in_pyarrow if row["name"]) == [row[:2] for row in expected]
    assert [row["server"] for row in in_pyarrow if row["name"] is None] == [None]


def test_parts_are_listed_by_server_and_day(tmp_path: Path) -> None:
    """Unfinished files, foreign folders and kept tables are not parts of the events."""
    make_lake(tmp_path)
    days = [date(2026, 11, 22), DAY, date(2026, 11, 24)]
    for server in ("a:1", None):
        for day in days:
            _touch(events_folder(tmp_path, server, day), "2.parquet", "1.parquet", ".3.parquet", "4.txt")
    _touch(tmp_path / "events" / "other", "x.parquet")
    _touch(tmp_path / "events" / "server=b" / "date=never", "x.parquet")
    _touch(tmp_path / ".staging" / "1", "x.parquet")
    _touch(tmp_path / "tables" / "calls" / server_folder("a:1") / date_folder(DAY), "calls.parquet")

    parts = list_parts(tmp_path)

    assert [(part.server, part.day, part.path.name) for part in parts] == [
        (server, day, name) for server in (None, "a:1") for day in days for name in ("1.parquet", "2.parquet")
    ]
    assert list_parts(tmp_path, servers=["a:1"], first_day=DAY, last_day=DAY) == [
        LakePart(events_folder(tmp_path, "a:1", DAY) / name, "a:1", DAY) for name in ("1.parquet", "2.parquet")
    ]
    assert [part.path.name for part in list_parts(tmp_path, "calls")] == ["calls.parquet"]
    assert table_names(tmp_path) == ["calls"]


def test_a_lake_is_made_in_an_empty_folder_only(tmp_path: Path) -> None:
    """A folder with other files, and a file, stay as they are; a second call changes nothing."""
    root = tmp_path / "new" / "lake"
    make_lake(root)
    make_lake(root)
    other = tmp_path / "other"
    _touch(other, "x.parquet")

    assert is_lake(root)
    assert not is_lake(other)
    with pytest.raises(TargetExists, match="other content"):
        make_lake(other)
    with pytest.raises(TargetExists, match="is a file"):
        make_lake(other / "x.parquet")


@pytest.mark.parametrize(
    ("marker", "message"),
    [('{"layout": 2}', "please update"), ("{", "is damaged"), ("[]", "is damaged"), ('{"layout": "x"}', "layout 'x'")],
)
def test_a_lake_of_another_version_is_refused(tmp_path: Path, marker: str, message: str) -> None:
    """A newer layout and a damaged marker are errors, not an empty lake."""
    make_lake(tmp_path)
    check_lake(tmp_path)
    (tmp_path / "arirecord-lake.json").write_text(marker)

    with pytest.raises(NotASession, match=message):
        check_lake(tmp_path)


def test_a_folder_without_a_marker_is_not_a_lake(tmp_path: Path) -> None:
    """The message says how to make one."""
    with pytest.raises(NotASession, match="arirecord ingest SESSION"):
        check_lake(tmp_path)


def test_a_folder_of_another_name_is_not_a_partition() -> None:
    """Names that are not of the layout are refused."""
    for name in ("server", "day=2026-11-23", "x=1"):
        with pytest.raises(ValueError, match="is not the folder of a server"):
            server_of(name)
    with pytest.raises(ValueError, match="is not the folder of a day"):
        date_of("server=a")
