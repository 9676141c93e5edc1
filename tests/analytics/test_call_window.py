"""One call of a long recording is computed from a part of its rows, and is the same as from all of them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from arirecord.analytics import connection
from arirecord.analytics.connection import Tables, connect
from arirecord.report import call_data, search
from arirecord.report.build_story import story
from arirecord.report.ladder_text import ladder_text
from arirecord.session.reader import SessionFile, open_session
from tests.lake.day_parts import make_days, write_days

pytestmark = pytest.mark.slow

SAMPLES = Path("sample_data")
MODELS = {*call_data.MODELS, *search.MODELS}


def explained(session: SessionFile, wanted: str, calls: Sequence[str] = ()) -> tuple[list[object], int | None]:
    """Calls with an id, each with its ladder, and how many rows they were computed from (None: all)."""
    tables = Tables(session, calls=calls)
    tables.need(MODELS)
    found = search.find_calls(tables.connection, wanted)
    ladders = [story(tables.connection, one.call_id, details=True, server=one.server) for one in found]
    names = tables.connection.execute(
        "SELECT schema_name || '.rows_of_calls' FROM duckdb_tables() WHERE table_name = 'rows_of_calls'"
    ).fetchall()
    counts = [tables.connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for (name,) in names]
    return [*zip(found, (ladder_text(ladder, width=140, has_rows=True) for ladder in ladders), strict=True)], (
        sum(counts) if counts else None
    )


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each recording is a long one."""
    monkeypatch.setattr(connection, "LONG_RECORDING", 0)


@pytest.mark.parametrize(
    ("sample", "wanted"),
    [
        pytest.param("transfers", "1795474827.137", id="an attended transfer, by channel"),
        pytest.param("office_hour", "PJSIP/1004-00000151", id="a call of a queue, by name"),
    ],
)
@pytest.mark.usefixtures("long")
def test_a_call_is_the_same_from_its_rows(sample: str, wanted: str) -> None:
    """Its tables and its ladder, with the numbers of rows."""
    session = open_session(SAMPLES / f"{sample}.parquet")
    expected, _ = explained(session, wanted)
    found, row_count = explained(session, wanted, [wanted])

    assert found == expected != []
    assert row_count is not None
    assert row_count < session.header.rows / 2


@pytest.mark.usefixtures("long")
def test_a_call_of_one_of_two_servers_in_parts(tmp_path: Path) -> None:
    """The id of an app lives on each server, and again on each day: all of these calls are found."""
    for server in (1, 2):
        write_days(tmp_path / f"{server}", make_days(server, 2, ("hold_unhold/all",)))
    session = open_session(tmp_path)
    with connect(session, models=[]) as whole:
        ids = "SELECT channel_id, count(*) FROM ChannelCreated GROUP BY ALL"
        (wanted, count), *_ = whole.execute(f"FROM ({ids}) ORDER BY 2 DESC, 1").fetchall()

    assert count > 1
    assert explained(session, wanted, [wanted])[0] == explained(session, wanted)[0] != []


@pytest.mark.usefixtures("long")
def test_an_id_of_no_call_is_looked_for_in_all_rows() -> None:
    """A phone number is no id: all calls are computed."""
    assert explained(open_session(SAMPLES / "ivr_dtmf.parquet"), "1002", ["1002"])[1] is None
