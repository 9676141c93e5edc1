"""Every event type of the catalogue has a view with exactly its columns, shown on a real frame of that type."""

from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars as pl
import pytest

import arirecord
from arirecord.asterisk.catalogue import columns_of, event_types
from arirecord.asterisk.timestamps import parse_timestamp
from arirecord.capture.importer import import_streams

FRAMES = {
    orjson.loads(line)["type"]: line for line in (Path(__file__).parent / "frames.jsonl").read_bytes().splitlines()
}
"""The richest real frame of each type."""

LEADING = ["seq", "received_at", "elapsed_ns", "type", "application", "asterisk_id", "timestamp"]
NEVER_SEEN = {"MissingParams"}
"""No Asterisk was ever seen to send it."""


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A session of one real frame of every type."""
    folder = tmp_path_factory.mktemp("views")
    (folder / "frames.jsonl").write_bytes(b"\n".join(FRAMES.values()))
    import_streams([folder / "frames.jsonl"], folder / "s.parquet")
    return arirecord.connect(folder / "s.parquet", models=[])


def test_there_is_a_real_frame_of_every_type() -> None:
    """But for the one that nobody has seen."""
    assert set(event_types()) - FRAMES.keys() == NEVER_SEEN


@pytest.mark.parametrize("event_type", event_types())
def test_a_view_has_the_columns_of_its_type(connection: duckdb.DuckDBPyConnection, event_type: str) -> None:
    """In catalogue order, between the leading ones and `extra` and `raw`, with the types the rule gives."""
    view = connection.view(event_type)

    assert view.columns == [*LEADING, *(c.name for c in columns_of(event_type)), "extra", "raw"]


@pytest.mark.parametrize("event_type", sorted(FRAMES))
def test_a_view_has_the_values_of_the_frame(connection: duckdb.DuckDBPyConnection, event_type: str) -> None:
    """Each column equals the field at its path; nothing is left over."""
    (row,) = connection.view(event_type).pl().to_dicts()
    event = orjson.loads(FRAMES[event_type])

    assert row["raw"] == FRAMES[event_type].decode()
    assert row["extra"] is None
    for column in columns_of(event_type):
        assert row[column.name] == _expected(event, column.path, column.type), column.name


def _expected(event: Any, path: tuple[str, ...], kind: str) -> Any:
    for part in path:
        event = event.get(part) if isinstance(event, dict) else None
    if event is None:
        return None
    if kind == "timestamp":
        parsed = parse_timestamp(event)
        assert parsed is not None
        return pl.Series([parsed[0]]).cast(pl.Datetime("ms"))[0]
    return orjson.dumps(event).decode() if kind == "json" else event


@pytest.mark.slow
def test_a_session_without_a_type_has_its_view_all_the_same(tmp_path: Path) -> None:
    """Empty, with typed columns, so that models and queries always bind."""
    (tmp_path / "one.jsonl").write_text('{"type":"ChannelHold"}')
    import_streams([tmp_path / "one.jsonl"], tmp_path / "s.parquet")
    connection = arirecord.connect(tmp_path / "s.parquet")

    assert connection.sql("SELECT count(*) FROM BridgeAttendedTransfer").fetchall() == [(0,)]
    assert (
        dict(zip(connection.view("Dial").columns, map(str, connection.view("Dial").types), strict=True))["dialstatus"]
        == "VARCHAR"
    )
    assert connection.sql("SELECT count(*) FROM calls").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "lines",
    [
        [
            '{"type":"A","application":"it\'s"}',
            '{"type":"A","application":"it\'s","more":"é"}',
            '{"type":"B\\"","application":"it\'s"}',
        ],
        ['{"type":"A","application":"a"}', '{"type":"A","application":"b","more":1}'],
        ['{"type":"A","application":"a"}', '{"application":"a"}', '{"type":"","application":"a"}'],
        ['{"type":"A"}', '{"type":"A","application":""}', "no JSON"],
    ],
    ids=["one application", "two", "no type", "none"],
)
def test_sizes_are_those_of_the_text(tmp_path: Path, lines: list[str]) -> None:
    """Whether the header says them or the text is weighed."""
    (tmp_path / "some.jsonl").write_text("\n".join(lines))
    import_streams([tmp_path / "some.jsonl"], tmp_path / "s.parquet")
    connection = arirecord.connect(tmp_path / "s.parquet", models=[])

    weighed = "SELECT application, type, count(*), avg(strlen(raw)), false FROM events GROUP BY application, type"
    assert (
        connection.sql("FROM event_sizes ORDER BY ALL").fetchall()
        == connection.sql(f"{weighed} ORDER BY ALL").fetchall()
    )


def test_rows_that_are_no_events_have_their_columns(tmp_path: Path) -> None:
    """Those of the session, and none where there is no such row."""
    (tmp_path / "one.jsonl").write_text('{"type":"ChannelHold"}')
    import_streams([tmp_path / "one.jsonl"], tmp_path / "s.parquet")
    tapped = arirecord.connect(Path(__file__).parents[1] / "sample_data" / "tapped_menu.parquet", models=[])

    assert arirecord.connect(tmp_path / "s.parquet", models=[]).sql("FROM other_rows").fetchall() == []
    said = "SELECT seq, rest_uri, raw FROM {} WHERE kind <> 'event' ORDER BY seq"
    assert tapped.sql(said.format("other_rows")).fetchall() == tapped.sql(said.format("rows")).fetchall() != []
