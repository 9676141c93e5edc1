"""Tables computed day by day and kept are those of one connection, row for row, and are used only while current."""

import errno
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

import arirecord
from arirecord.analytics import connect
from arirecord.analytics.kept_tables import KEPT_MODELS, is_derivable, kept_tables, read_windows, tables_folder
from arirecord.analytics.models import load_models, mart_names
from arirecord.lake import engines
from arirecord.lake.build_tables import build_tables
from arirecord.lake.engines import LocalEngine
from arirecord.lake.shard import Shard, compute_shard
from arirecord.lake.windows import windows_of
from arirecord.session.reader import open_session

from .day_parts import DAY_NS, Row, make_days, stretched, write_days

pytestmark = pytest.mark.slow

MACROS = {model.name for model in load_models() if model.is_macro}
ARGUMENTS = (
    "", "bucket := INTERVAL 1 hour", "bucket := INTERVAL 1 minute", "\"by\" := 'endpoint'",
    "bucket := INTERVAL 1 hour, \"by\" := 'origin'", "bucket := INTERVAL 1 day, \"by\" := 'prefix'",
    "\"by\" := 'application'",
)  # fmt: skip


def differences(one: duckdb.DuckDBPyConnection, two: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables whose rows differ, with an example of each side."""
    differing = []
    for table in mart_names():
        for arguments in ARGUMENTS if table in MACROS else (None,):
            query = table if arguments is None else f"{table}({arguments})"
            sides = [sorted(map(repr, con.execute(f"FROM {query}").fetchall())) for con in (one, two)]
            names = [[column[0] for column in con.description or ()] for con in (one, two)]
            sides = [[repr(sorted(n)), *side] for n, side in zip(names, sides, strict=True)]
            if names[0] != names[1]:
                order = ", ".join(f'"{column}"' for column in names[0])
                sides[1] = [sides[1][0], *sorted(map(repr, two.execute(f"SELECT {order} FROM {query}").fetchall()))]
            if sides[0] != sides[1]:
                left, right = (sorted(set(a) - set(b))[:2] for a, b in (sides, sides[::-1]))
                differing.append(
                    f"{query}: {len(sides[0])} and {len(sides[1])} rows; only one: {left}; only two: {right}"
                )
    return differing


def assert_kept_equal(root: Path) -> None:
    whole, kept = connect(root, kept=False), connect(root)
    assert has_kept(kept)
    assert differences(whole, kept) == []


def has_kept(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a view reads a kept table."""
    views = connection.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
    return any("tables/" in sql for (sql,) in views)


def whole_is_kept(root: Path) -> None:
    """Build the tables of a recording, and compare them with those of one connection."""
    build_tables(open_session(root), engine=LocalEngine(1))
    assert_kept_equal(root)


def without_ends(rows: Sequence[Row]) -> list[Row]:
    """Rows without every third end of a channel."""
    lost = {id(row) for row in [row for row in rows if '"ChannelDestroyed"' in row.text][::3]}
    return [row for row in rows if id(row) not in lost]


def with_gap(rows: Sequence[Row], begin: float = 0.4, end: float = 0.6) -> list[Row]:
    """Rows of which those in the middle were not recorded, with a row that reports it."""
    first, last = int(len(rows) * begin), int(len(rows) * end)
    return [*rows[:first], Row(rows[last].t_ns, "connection", '{"type":"gap"}'), *rows[last:]]


def received_twice(rows: Sequence[Row]) -> list[Row]:
    """Rows that a second application received, too, 5 ms later."""
    others = [
        row._replace(t_ns=row.t_ns + 5_000_000, text=re.sub(r'("application": ?)"[^"]*"', r'\1"other"', row.text))
        for row in rows
    ]
    return sorted([*rows, *others], key=lambda row: row.t_ns)


FEW = ("answered_bridge_talk/all", "hold_unhold/all", "ivr_dtmf/all", "recording_playback/all")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The calls of one midnight, with kept tables. Tests that change them take their own."""
    days = write_days(tmp_path_factory.mktemp("day") / "days", make_days(1, 1, ("ivr_dtmf/all",)))
    build_tables(open_session(days), engine=LocalEngine(1))
    return days


def test_two_servers_over_two_midnights(tmp_path: Path) -> None:
    """All tables of calls across midnight, with ids that an app gives again, are those of one connection."""
    write_days(tmp_path / "server=1", make_days(1, 2))
    write_days(tmp_path / "server=2", make_days(2, 1, FEW))

    built = build_tables(open_session(tmp_path), engine=LocalEngine(2))

    assert (built.window_count, built.computed_count) == (5, 5)
    assert built.guest_count > 20
    assert_kept_equal(tmp_path)


def test_late_data_computes_its_window_again(tmp_path: Path) -> None:
    """A build computes what has changed: nothing, then the day with a new file and the one whose calls go on there."""
    days = write_days(tmp_path / "days", make_days(1, 2, FEW[:1]))
    late = max(days.glob("*/*.parquet"))
    hidden = late.rename(tmp_path / "late.parquet")
    first = build_tables(open_session(days), engine=LocalEngine(1))
    again = build_tables(open_session(days), engine=LocalEngine(1))
    before = {window.version for window in read_windows(tables_folder(days))}
    hidden.rename(late)

    # The new file is in no kept table yet: all are computed from events, and none is mixed with kept ones.
    assert kept_tables(open_session(days)) is None
    assert not has_kept(connect(days, models=KEPT_MODELS))
    assert arirecord.open_session(days).calls().height > 0

    assert (first.computed_count, again.computed_count) == (2, 0)
    assert len({window.version for window in read_windows(tables_folder(days))} - before) == 2
    assert_kept_equal(days)

    # A file that is gone is in no kept table that is read.
    late.unlink()
    assert kept_tables(open_session(days)) is None


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(without_ends, id="ends of channels are lost"),
        pytest.param(with_gap, id="a gap across midnight"),
        pytest.param(stretched, id="calls across two midnights"),
        pytest.param(lambda rows: received_twice(without_ends(with_gap(stretched(rows)))), id="all of these"),
    ],
)
def test_hostile_days(changed: Callable[[Sequence[Row]], list[Row]], tmp_path: Path) -> None:
    """Lost events, gaps and calls of days leave the tables equal."""
    write_days(tmp_path / "days", changed(make_days(1, 1, FEW)))

    whole_is_kept(tmp_path / "days")


def test_days_of_recordings_of_their_own(tmp_path: Path) -> None:
    """A recorder that was restarted each day and noon counts rows from 0 again: the tables count on."""
    rows = make_days(1, 1, FEW)
    write_days(tmp_path / "days", rows, [rows[len(rows) // 3].t_ns], is_continued=False)

    whole_is_kept(tmp_path / "days")


@pytest.mark.parametrize("cuts", ["at midnight", "never"])
def test_two_recorders_of_one_server(cuts: str, tmp_path: Path) -> None:
    """An event that both received counts once, also if one of them cuts its recording elsewhere."""
    rows = make_days(1, 1, FEW[1:2])
    write_days(tmp_path / "days" / "a", rows)
    others = [row._replace(t_ns=row.t_ns + 5_000_000) for row in rows]
    write_days(tmp_path / "days" / "b", others, day_ns=DAY_NS if cuts == "at midnight" else 100 * DAY_NS)

    whole_is_kept(tmp_path / "days")


def test_windows_of_several_days(tmp_path: Path) -> None:
    """A window of more days has the same rows."""
    write_days(tmp_path / "days", make_days(1, 2, FEW[:2]))

    built = build_tables(open_session(tmp_path / "days"), engine=LocalEngine(1), window_days=30)

    assert built.window_count == 1
    assert_kept_equal(tmp_path / "days")


def test_kept_rows_do_not_pretend_to_follow_parameters(day: Path) -> None:
    """A parameter that is set afterwards is an error, not the rows of another; in Python it computes the table."""
    kept, whole = connect(day, models=["dtmf"]), connect(day, models=["dtmf"], kept=False)
    for connection in (kept, whole):
        connection.execute("SET VARIABLE dtmf_gap_ms = 1")

    with pytest.raises(duckdb.InvalidInputException, match="connect with kept=False"):
        kept.execute("FROM dtmf").fetchall()
    in_python = arirecord.open_session(day).dtmf(dtmf_gap_ms=1)
    assert in_python.height == len(whole.execute("FROM dtmf").fetchall())


def test_tables_of_other_models_are_not_used(
    day: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that another version of the models made are computed again, and the log says so."""
    assert kept_tables(open_session(day))
    monkeypatch.setattr("arirecord.analytics.kept_tables.models_digest", lambda: "0123456789abcdef")

    with caplog.at_level("INFO", "arirecord"):
        assert kept_tables(open_session(day)) is None
    assert "other models made them" in caplog.text


def test_a_link_that_leads_out_of_a_window_is_an_error(day: Path) -> None:
    """A window whose calls were cut is not computed: the error names the channels."""
    session = open_session(day)
    window = windows_of(session, session.servers[0])[0]
    whole = connect(day, models=["links"], kept=False)
    ((one, two),) = whole.execute(
        f"SELECT channel_id, other_channel_id FROM links WHERE seq < {window.last_seq} LIMIT 1"
    ).fetchall()

    with pytest.raises(arirecord.ShardError, match="links lead out") as raised:
        compute_shard(Shard(window, strangers=[one]))
    assert one in str(raised.value)
    assert two in str(raised.value)


def test_each_mart_is_kept_or_follows_from_kept_tables() -> None:
    """No mart needs the events if tables are kept."""
    assert [mart for mart in mart_names() if not is_derivable(mart)] == []


def test_without_locks_between_processes_one_process_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container /dev/shm can be read-only."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(engines, "ProcessPoolExecutor", refuse)
    assert list(LocalEngine(2).run(abs, [-1, -2])) == [1, 2]
