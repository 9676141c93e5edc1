"""What the models say of gaps: time that was not recorded counts nowhere, and what it hides is NULL."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from arirecord.analytics import connect
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import Frame, open_session
from arirecord.session.rewrite import gap_row
from arirecord.session.seal import seal
from tests.conftest import streams

from .conftest import Connections

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "sample_data"
SECOND = 1_000_000_000
MODELS = ("calls", "concurrency", "kpis", "legs")
CALLS = "SELECT COLUMNS(lambda c: c NOT LIKE '%_seq') FROM calls ORDER BY call_id"


def frames() -> list[Frame]:
    return list(open_session(SAMPLES / "talk_and_hold.parquet").frames())


def recorded(target: Path, rows: Sequence[Frame], *, pace: float = 1, ahead_ns: int = 0) -> Path:
    """A recording of these rows, `pace` times as fast as they came, by a clock that is ahead."""
    began_ns = rows[0].t_ns + ahead_ns
    writer = JournalWriter(journal_path(target), began_ns, {"verb": "capture"})
    times = [int((row.t_ns - rows[0].t_ns) / pace) for row in rows]
    writer.write((began_ns + ns, ns, row.kind, row.raw) for ns, row in zip(times, rows, strict=True))
    writer.close()
    seal(journal_path(target), target)
    return target


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = connection.sql(sql).pl().to_dicts()
    return found


@pytest.fixture
def whole(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return connect(recorded(tmp_path / "whole.parquet", frames()), models=MODELS)


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """The same, stopped in the middle of the longest call and started again two seconds later."""
    every = frames()
    call = rows(connect(SAMPLES / "talk_and_hold.parquet", models=["calls"]), "FROM calls ORDER BY duration_s DESC")[0]
    middle = next(i for i, f in enumerate(every) if f.seq > (call["first_seq"] + call["last_seq"]) // 2)
    again = next(i for i, f in enumerate(every) if f.t_ns > every[middle - 1].t_ns + 2 * SECOND)
    folder = tmp_path / "cut"
    folder.mkdir()
    recorded(folder / "1.parquet", every[:middle])
    recorded(folder / "2.parquet", every[again:])
    (folder / "longest_call").write_text(call["call_id"])
    return folder


def test_a_call_across_a_gap_is_not_complete(whole: duckdb.DuckDBPyConnection, cut: Path) -> None:
    """It says nothing that the gap may have changed; the other calls say what they said."""
    longest = (cut / "longest_call").read_text()
    before = {row["call_id"]: row for row in rows(whole, CALLS)}
    after = {row["call_id"]: row for row in rows(connect(cut, models=MODELS), CALLS)}
    hit = {call_id for call_id, row in after.items() if not row["is_complete"]}

    assert before[longest]["is_complete"]
    assert longest in hit
    assert (after[longest]["talk_s"], after[longest]["hold_s"], after[longest]["ended_by"]) == (None, None, None)
    assert {i: row for i, row in after.items() if i not in hit} == {
        i: row for i, row in before.items() if i in after.keys() - hit
    }


def test_a_gap_is_not_recorded_time(whole: duckdb.DuckDBPyConnection, cut: Path) -> None:
    """Rates are of the time that was recorded, and the curve of calls is NULL in between."""
    con = connect(cut, models=MODELS)
    (kpis,), (all_of_it,) = rows(con, "FROM kpis"), rows(whole, "FROM kpis")
    session = open_session(cut)
    (gap,) = session.recorded_time.gaps
    unknown = rows(con, "SELECT epoch_ns(changed_at) AS ns FROM concurrency WHERE open_count IS NULL")

    assert kpis["recorded_s"] == pytest.approx(all_of_it["recorded_s"] - (gap.end_ns - gap.begin_ns) / 1e9, abs=0.01)
    assert kpis["recorded_s"] == pytest.approx(session.recorded_time.duration_ns / 1e9, abs=0.01)
    assert kpis["erlangs"] * kpis["recorded_s"] < all_of_it["erlangs"] * all_of_it["recorded_s"]
    assert [row["ns"] for row in unknown] == pytest.approx([gap.begin_ns], abs=10_000_000)
    assert unknown
    buckets = rows(con, "FROM kpis(bucket := INTERVAL 1 SECOND)")
    assert sum(bucket["recorded_s"] for bucket in buckets) <= kpis["recorded_s"] + 0.001
    assert all((bucket["erlangs"] is None) == (bucket["recorded_s"] == 0) for bucket in buckets)


def test_a_lost_connection_is_the_same_as_a_recorder_that_stopped(cut: Path, tmp_path: Path) -> None:
    """One recording with a row that reports the gap, or two in a folder: the models do not care."""
    session = open_session(cut)
    (gap,) = session.recorded_time.gaps
    row = gap_row(gap.begin_ns, gap.end_ns, session.header.started_ns)
    first, second = (list(open_session(path).frames()) for path in session.paths)
    reported = Frame(0, gap.end_ns, row.elapsed_ns, row.kind, None, None, row.raw)
    one = connect(recorded(tmp_path / "one.parquet", [*first, reported, *second]), models=MODELS)
    two = connect(cut, models=MODELS)

    for sql in (CALLS, "FROM kpis", "FROM concurrency", "FROM kpis(bucket := INTERVAL 1 SECOND)"):
        assert rows(one, sql) == rows(two, sql)


@pytest.mark.parametrize(("pace", "ahead_ns"), [(10, 0), (1, 3600 * SECOND), (1, -3600 * SECOND)])
def test_times_are_asterisks(pace: float, ahead_ns: int, whole: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A recorded replay at ten times the pace, and a recorder whose clock is wrong, give the same figures."""
    other = connect(recorded(tmp_path / "other.parquet", frames(), pace=pace, ahead_ns=ahead_ns), models=MODELS)

    for sql in ("FROM kpis", "FROM kpis(bucket := INTERVAL 10 SECOND)"):
        assert rows(other, sql) == [
            {name: pytest.approx(value, rel=1e-3) if isinstance(value, float) else value for name, value in row.items()}
            for row in rows(whole, sql)
        ]


@pytest.mark.parametrize("stream", sorted(streams()))
def test_one_number_of_calls(stream: str, connections: Connections) -> None:
    """Rows of `calls`, KPIs of the whole, and those of all buckets together."""
    con = connections[stream]
    (count,) = con.execute("SELECT count(*) FROM calls").fetchall()[0]
    of_all = con.execute("SELECT COALESCE(sum(call_count), 0) FROM kpis").fetchall()
    of_buckets = con.execute("SELECT COALESCE(sum(call_count), 0) FROM kpis(bucket := INTERVAL 10 SECOND)").fetchall()

    assert of_all == of_buckets == [(count,)]


def test_hours_of_a_week() -> None:
    """Calls of Local ends alone count as well, and no hour without a recording is told of."""
    con = connect(SAMPLES / "week", models=MODELS)
    hours = rows(con, "FROM kpis(bucket := INTERVAL 1 HOUR)")
    (kpis,) = rows(con, "FROM kpis")

    assert (kpis["call_count"], sum(hour["call_count"] for hour in hours)) == (158, 158)
    assert con.sql("SELECT count(*) FROM calls WHERE leg_count = 0").fetchall() == [(5,)]
    assert kpis["erlangs"] == pytest.approx(392.7 / 29_047, rel=0.001)
    assert all(0 < hour["recorded_s"] <= 3600 and hour["erlangs"] is not None for hour in hours)
