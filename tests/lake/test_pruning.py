"""Pruning: fewer parts are opened, and each row of the answer is the same."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from arirecord.analytics.connection import connect
from arirecord.analytics.kept_tables import kept_tables
from arirecord.analytics.mart_columns import mart_columns
from arirecord.analytics.table_query import TableQuery, sql_of, time_column
from arirecord.cli import cli
from arirecord.cli.replay import needed_times
from arirecord.cli.selection import windows_of
from arirecord.cli.session_input import open_session as opened_by_command
from arirecord.errors import ArirecordError
from arirecord.lake.build_tables import build_tables
from arirecord.lake.engines import LocalEngine
from arirecord.lake.ingest import ingest
from arirecord.lake.layout import list_parts
from arirecord.lake.pruning import CALL_TABLES, open_pruned
from arirecord.select.times import Position, RecordingSpan, Window, is_in, parse_time
from arirecord.session.reader import SessionFile, open_session
from tests.cli.conftest import Run, run

from .lakes import BASE_NS, Row, record, stretched

__all__ = ["run"]

pytestmark = pytest.mark.slow

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
BEGIN_NS = BASE_NS - 9 * HOUR_NS
STREAMS = ("attended_transfer/all", "ivr_dtmf/all", "blind_transfer/all", "recording_playback/all", "hold_unhold/all")


def between(begin_ns: int, end_ns: int | None = None) -> Callable[[RecordingSpan], list[Window]]:
    """A choice of one interval."""
    return lambda span: [Window(Position(begin_ns), None if end_ns is None else Position(end_ns))]


def in_parts(rows: list[Row], folder: Path, length_ns: int) -> Path:
    """Seal rows as parts of one recording, a new one after each interval of this length."""
    by_time: dict[int, list[Row]] = {}
    first = 0
    for row in rows:
        by_time.setdefault(row[0] // length_ns, []).append(row)
    for number, own in by_time.items():
        record(own, folder / f"{number}.parquet", started_ns=BEGIN_NS, first_seq=first)
        first += len(own)
    return folder


def busy_days(server: str) -> list[Row]:
    """Calls of three days: streams at several speeds, so that some cross midnight and some last for hours."""
    rows: list[Row] = []
    for number, (begin_h, factor) in enumerate([(6, 60), (20, 900), (26, 1), (30, 60), (45, 1500), (50, 60), (60, 60)]):
        name = STREAMS[number % len(STREAMS)]
        for received_ns, _, kind, raw in stretched(name, factor, server=server, begin_ns=BEGIN_NS + begin_h * HOUR_NS):
            # Streams were recorded from one Asterisk at one time: the ids of each become its own.
            rows.append((received_ns, received_ns - BEGIN_NS, kind, re.sub(r"\b(17\d{8})\.", rf"{number}\1.", raw)))
    return sorted(rows)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of a busy server in parts of two hours, and of a quiet one; beside it the recording `whole.parquet`."""
    folder = tmp_path_factory.mktemp("days")
    record(busy_days("a"), folder / "whole.parquet", started_ns=BEGIN_NS)
    in_parts(busy_days("a"), folder / "in" / "a", 2 * HOUR_NS)
    in_parts(stretched("hold_unhold/all", server="b", begin_ns=BEGIN_NS), folder / "in" / "b", DAY_NS)
    ingest([folder / "in"], folder / "lake")
    return folder / "lake"


def answers(session: SessionFile, begin_ns: int, end_ns: int) -> Iterator[tuple[str, list[str]]]:
    """The rows of each table in a time, without positions in the recording."""
    limits = tuple(datetime.fromtimestamp(ns // 10**9, UTC).replace(tzinfo=None) for ns in (begin_ns, end_ns))
    with connect(session, models=CALL_TABLES) as db:
        for mart in sorted(CALL_TABLES):
            columns = mart_columns(mart)
            if time_column(columns) is not None:
                shown = tuple(column for column in columns if "seq" not in column)
                question = TableQuery(mart, columns=shown, times=[limits])  # type: ignore[list-item]
                yield mart, sorted(map(repr, db.execute(sql_of(question, columns)).fetchall()))


@pytest.mark.parametrize(("begin_h", "length_h"), [(24, 24), (26, 1), (48, 24), (20, 3)])
def test_the_answer_is_the_same_as_from_all_parts(lake: Path, begin_h: int, length_h: int) -> None:
    """Of a day and of hours, with calls that began before and end after."""
    begin_ns, end_ns = BEGIN_NS + begin_h * HOUR_NS, BEGIN_NS + (begin_h + length_h) * HOUR_NS
    pruned = open_pruned(lake, between(begin_ns, end_ns), has_calls=True)
    whole = dict(answers(open_session(lake.parent / "whole.parquet"), begin_ns, end_ns))

    assert dict(answers(pruned, begin_ns, end_ns)) == whole
    assert len(pruned.parts) < len(list_parts(lake))
    assert whole["calls"]


def test_kept_tables_answer_for_the_parts_of_a_time(lake: Path, tmp_path: Path) -> None:
    """Without looking for calls at the borders: the windows know in which later files their calls go on."""
    kept = shutil.copytree(lake, tmp_path / "lake")
    shutil.rmtree(kept / "events" / "server=b")
    build_tables(open_session(kept), engine=LocalEngine(1))
    begin_ns, end_ns = BEGIN_NS + 26 * HOUR_NS, BEGIN_NS + 30 * HOUR_NS
    pruned = open_pruned(kept, between(begin_ns, end_ns), has_calls=True, servers=["a"])

    assert kept_tables(pruned)
    assert len(pruned.parts) < len(list_parts(kept))
    whole = dict(answers(open_session(lake.parent / "whole.parquet"), begin_ns, end_ns))
    assert dict(answers(pruned, begin_ns, end_ns)) == whole


def test_clocks_that_differ_by_minutes(tmp_path: Path) -> None:
    """Tables have Asterisk's times, parts the recorder's: calls are found where Asterisk dates them."""
    rows = stretched("hold_unhold/all", begin_ns=BEGIN_NS + 24 * HOUR_NS - 300 * 10**9)
    late = stretched("hold_unhold/all", begin_ns=BEGIN_NS + 24 * HOUR_NS + 300 * 10**9)
    clocks = [(*row[:3], other[3]) for row, other in zip(rows, late, strict=True)]
    noon = stretched("ivr_dtmf/all", begin_ns=BEGIN_NS + 36 * HOUR_NS)
    in_parts([*clocks, *((row[0], row[0] - BEGIN_NS, *row[2:]) for row in noon)], tmp_path / "in", HOUR_NS)
    ingest([tmp_path / "in"], tmp_path / "lake")
    begin_ns, end_ns = BEGIN_NS + 24 * HOUR_NS, BEGIN_NS + 25 * HOUR_NS
    pruned = open_pruned(tmp_path / "lake", between(begin_ns, end_ns), has_calls=True)
    whole = dict(answers(open_session(tmp_path / "in"), begin_ns, end_ns))

    assert len(pruned.parts) == 1
    assert dict(answers(pruned, begin_ns, end_ns)) == whole
    assert whole["calls"]


def test_frames_need_only_the_parts_of_their_time(lake: Path) -> None:
    """By path and header; a folder of recordings and single files are pruned, too."""
    begin_ns, end_ns = BEGIN_NS + 26 * HOUR_NS, BEGIN_NS + 27 * HOUR_NS
    expected = [frame for frame in open_session(lake).frames() if begin_ns <= frame.t_ns < end_ns]
    for paths in (lake, lake.parent / "in", sorted((lake.parent / "in").rglob("*.parquet"))):
        opened = open_pruned(paths, between(begin_ns, end_ns))
        found = [frame for frame in opened.frames(since_ns=begin_ns, until_ns=end_ns)]
        assert sorted(frame[1:] for frame in found) == sorted(frame[1:] for frame in expected)
        assert 0 < len(opened.parts) <= 2


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [("+26h", "+27h", 1), ("02:00", "03:00", 2), ("+40h", None, 5), (None, "+30m", 1), ("+30h", "06:00", 2)],
)
def test_times_that_are_counted_in_the_recording(lake: Path, since: str | None, until: str | None, count: int) -> None:
    """From its first row, which is of either server, and on each day: with fewer parts, the times mean the same."""
    whole = open_session(lake)
    begin, end = (None if text is None else parse_time(text) for text in (since, until))
    pruned = opened_by_command(lake, begin, end)
    expected, windows = (windows_of(session, begin, end, "UTC") for session in (whole, pruned))

    assert [frame[1:] for frame in filter(is_in(windows), pruned.frames())] == [
        frame[1:] for frame in filter(is_in(expected), whole.frames())
    ]
    assert windows[0] == expected[0]
    assert len(pruned.parts) == count


def test_a_server_is_chosen(lake: Path, tmp_path: Path) -> None:
    """By folder in a lake, by header elsewhere; a file of several servers cannot be divided."""
    for paths in (lake, lake.parent / "in"):
        assert {name for part in open_pruned(paths, servers=["b"]).parts for name in part.header.asterisk_ids} == {"b"}
    rows = sorted([*stretched("hold_unhold/all", server="a"), *stretched("ivr_dtmf/all", server="b")])
    with pytest.raises(ArirecordError, match="several servers"):
        open_pruned(record(rows, tmp_path / "s.parquet"), servers=["a"])
    with pytest.raises(ArirecordError, match="no part is of the server c"):
        open_pruned(lake, servers=["c"])


def test_nothing_to_prune(lake: Path) -> None:
    """Without a limit, and for a time without rows, all parts are opened: messages then tell what there is."""
    parts = len(list_parts(lake))

    assert len(open_pruned(lake).parts) == parts
    assert len(open_pruned(lake, between(BEGIN_NS + 900 * DAY_NS)).parts) == parts


def test_the_command_opens_what_matters(lake: Path, run: Run) -> None:
    """`calls --since` prints the same rows from a lake as from the whole recording; `--server` another's."""
    limits = ("--since", "2026-11-24", "--until", "2026-11-25", "--columns", "call_id,started_at,ended_at,talk_s")
    whole = run("calls", lake.parent / "whole.parquet", *limits).stdout
    said = [run("calls", lake, *limits, "--server", server).stdout for server in ("a", "b")]

    assert said[0] == whole != said[1]
    times = ("--since", "+24h", "--until", "12:00", *limits[4:])
    assert run("calls", lake, *times).stdout == run("calls", lake.parent / "in", *times).stdout
    assert run("cat", lake, *limits[:4]).stdout == run("cat", lake.parent / "whole.parquet", *limits[:4]).stdout
    assert json.loads(run("info", lake, "--server", "b", "--format", "json").stdout)["files"] == 1


def printed(*args: object, code: int = 0) -> str:
    """What a command prints on stdout; on stderr if it fails."""
    done = CliRunner().invoke(cli, ["--no-config", *map(str, args)])
    assert done.exit_code == code, done.stderr
    return done.stderr if code else done.stdout


def test_sql_on_the_rows_of_a_time(lake: Path, opened: list[Path]) -> None:
    """Tables and views have the rows that the command of a table prints, also those that other tables read."""
    limits = ("--since", "2026-11-24T02:00", "--until", "2026-11-24T05:00", "--format", "csv")
    sql = "SELECT call_id, talk_s FROM calls JOIN hangups USING (call_id) ORDER BY ALL; SELECT count(*) FROM StasisEnd"
    answer = printed("query", lake, sql, "--server", "a", *limits)

    assert len(set(opened)) < len(list_parts(lake))
    assert answer == printed("query", lake.parent / "whole.parquet", sql, *limits)
    calls = printed("calls", lake.parent / "whole.parquet", "--columns", "call_id", *limits)
    assert set(calls.split()[1:]) == {line.partition(",")[0] for line in answer.splitlines()[1:] if "," in line}
    assert "kpis" in printed("query", lake, "SELECT * FROM kpis", *limits, code=2)


def test_a_call_is_explained_from_the_parts_of_its_time(tmp_path: Path, opened: list[Path]) -> None:
    """The id of a channel says when Asterisk made it; other calls need a time."""
    rows: list[Row] = []
    for day, name in enumerate(("attended_transfer/all", "ivr_dtmf/all", "hold_unhold/all")):
        begin_ns = BASE_NS + 2 * day * DAY_NS
        for received_ns, _, kind, raw in stretched(name, begin_ns=begin_ns):
            rows.append(
                (received_ns, received_ns - BASE_NS, kind, re.sub(r"\b17\d{8}(?=\.\d)", f"{begin_ns}"[:10], raw))
            )
    record(rows, tmp_path / "whole.parquet")
    ingest([tmp_path / "whole.parquet"], tmp_path / "lake")
    ids = printed("calls", tmp_path / "whole.parquet", "--columns", "call_id", "--format", "csv").split()[1:]
    opened.clear()
    ladder = printed("explain", tmp_path / "lake", ids[-1])

    assert len(set(opened)) == 1
    assert ladder == printed("explain", tmp_path / "whole.parquet", ids[-1])
    opened.clear()
    since, until = ("--since", "2026-11-23"), ("--until", "2026-11-24")
    found = printed("explain", tmp_path / "lake", "--all", *since, *until)
    assert (len(set(opened)), found) == (1, printed("explain", tmp_path / "whole.parquet", "--all", *since, *until))
    assert "in this time" in printed("explain", tmp_path / "lake", ids[-1], *since, *until, code=1)
    assert "no call" in printed("explain", tmp_path / "lake", f"{BASE_NS}"[:10] + ".99", code=1)


def test_a_replay_opens_a_day_before_its_start(lake: Path) -> None:
    """Its frames are those of the whole lake; only a lake is pruned."""
    start, until = parse_time("+50h"), parse_time("+55h")
    opened = opened_by_command(lake, start, until, select=partial(needed_times, None))
    begin, end = BEGIN_NS + 50 * HOUR_NS, BEGIN_NS + 55 * HOUR_NS
    sessions = (opened, open_session(lake))
    frames = [[frame[1:] for frame in session.frames(since_ns=begin, until_ns=end)] for session in sessions]

    assert frames[0] == frames[1] != []
    assert {part.path for part in opened.parts} == {
        part.path
        for part in sessions[1].parts
        if part.extent and part.extent.end_ns >= begin - DAY_NS and part.extent.begin_ns <= end
    }
    files = lake.parent / "in"
    assert len(opened_by_command(files, start, until, select=partial(needed_times, None)).parts) == len(
        list_parts(lake)
    )
