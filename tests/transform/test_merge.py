"""Merge: one order of time, nothing twice, nothing lost."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import arirecord
from arirecord.errors import ArirecordError
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import SessionFile, open_session
from arirecord.session.rewrite import read_rows
from arirecord.session.seal import seal
from arirecord.transform.clock_offset import Clock
from arirecord.transform.filter import Selection, filter_session
from arirecord.transform.merge import Merged, merge_sessions
from tests.conftest import Sessions
from tests.examples import examples

from .support import START_NS, frames_of, write

SECOND = 1_000_000_000


def merged(folder: Path, *paths: Path, keep_clocks: bool = False) -> tuple[SessionFile, Merged]:
    target = folder / "merged.parquet"
    done = merge_sessions([open_session(path) for path in paths], target, keep_clocks=keep_clocks, force=True)
    return open_session(target), done


@pytest.mark.slow
def test_parts_of_a_recording_make_the_recording(sessions: Sessions, tmp_path: Path) -> None:
    """Two overlapping thirds and the rest, in any order: the same frames at the same times."""
    whole = open_session(sessions["attended_transfer/all"])
    start, length = whole.header.started_ns, whole.header.duration_ns
    parts = []
    for number, (since, until) in enumerate(((0.0, 0.5), (0.6, 2.0), (0.3, 0.7))):
        parts.append(tmp_path / f"{number}.parquet")
        selection = Selection(since_ns=start + int(since * length), until_ns=start + int(until * length))
        filter_session(whole, selection, parts[-1])
    result, done = merged(tmp_path, *parts)

    assert [(f.t_ns, f.raw) for f in result.frames()] == [(f.t_ns, f.raw) for f in whole.frames()]
    assert sum(done.duplicates) == sum(open_session(p).header.events for p in parts) - whole.header.events > 0
    assert result.header.source["verb"] == "merge"
    assert [s["duplicate_count"] for s in result.header.source["sources"]] == list(done.duplicates)


@pytest.mark.parametrize("ahead_s", [-3600, -0.25, 0, 0.25, 3600])
def test_clocks_are_set_right(tmp_path: Path, ahead_s: float) -> None:
    """A second recorder whose clock is wrong: its offset is found from what both heard, or from the timestamps."""
    frames = frames_of("ivr_dtmf/all")
    one = write(tmp_path / "one.parquet", frames[:150])
    two = write(tmp_path / "two.parquet", frames[100:], start_ns=START_NS + SECOND + int(ahead_s * SECOND))
    result, done = merged(tmp_path, one, two)

    assert done.clocks[1].offset_ns == int(ahead_s * SECOND)
    assert done.clocks[1].known_from == "50 events in common"
    assert [f.raw for f in result.frames()] == frames
    _, kept = merged(tmp_path, one, two, keep_clocks=True)
    assert kept.clocks[1].offset_ns == 0


def test_clocks_by_timestamps(tmp_path: Path) -> None:
    """Two Asterisks share no event: then the events' own timestamps tell, unless it is too little to tell."""
    frames = [
        json.dumps({"type": "BridgeCreated", "timestamp": f"2026-11-23T22:00:{i:02}.000+0000"}) for i in range(40)
    ]
    one = write(tmp_path / "one.parquet", frames[::2], step_ns=2 * SECOND)
    late = write(tmp_path / "late.parquet", frames[1::2], start_ns=START_NS + 8 * SECOND, step_ns=2 * SECOND)
    near = write(tmp_path / "near.parquet", frames[1::2], start_ns=START_NS + 1_020_000_000, step_ns=2 * SECOND)
    for other, offset_ns in ((late, 7 * SECOND), (near, 0)):
        result, done = merged(tmp_path, one, other)
        assert [clock.offset_ns for clock in done.clocks] == [0, offset_ns]
        assert [f.raw for f in result.frames()] == frames
    # What the third shares with the second places it, though it shares nothing with the first.
    _, done = merged(tmp_path, one, late, near)
    assert done.clocks[2] == Clock(20_000_000, "20 events in common")


@pytest.mark.slow
def test_an_application_and_a_recorder(sessions: Sessions, tmp_path: Path) -> None:
    """What one Asterisk sent to two applications stays, for both; calls are not counted twice."""
    everything, app = sessions["attended_transfer/all"], sessions["attended_transfer/app"]
    result, done = merged(tmp_path, everything, app)

    assert done.duplicates == [0, 0]
    assert "events in common" in done.clocks[1].known_from
    assert abs(done.clocks[1].offset_ns) < 5_000_000
    with arirecord.connect(everything, models=["calls"]) as db, arirecord.connect(result, models=["calls"]) as db2:
        query = "SELECT call_id, disposition, talk_s, transfer_count FROM calls ORDER BY call_id"
        assert db.sql(query).fetchall() == db2.sql(query).fetchall()


def session_of(path: Path, rows: list[tuple[int, int]]) -> Path:
    """Rows `(milliseconds, which frame)`."""
    path.unlink(missing_ok=True)
    writer = JournalWriter(journal_path(path), START_NS, {})
    ordered = sorted(rows)
    writer.write((START_NS + ms * 10**6, ms * 10**6, "event", f'{{"type":"X{which}"}}') for ms, which in ordered)
    writer.close()
    seal(journal_path(path), path)
    return path


ROWS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 4)), min_size=1, max_size=12)


@pytest.mark.slow
@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, min_size=2, max_size=3))
def test_any_sessions(tmp_path: Path, recorded: list[list[tuple[int, int]]]) -> None:
    """In order of time, each frame as often as the session that has it most often, all accounted for."""
    paths = [session_of(tmp_path / f"{i}.parquet", rows) for i, rows in enumerate(recorded)]
    result, done = merged(tmp_path, *paths, keep_clocks=True)
    rows = [row for row in read_rows(result) if row.kind == "event"]

    most = Counter[int]()
    for one in recorded:
        most |= Counter(which for _, which in one)
    assert Counter(json.loads(row.raw)["type"] for row in rows) == {f"X{w}": count for w, count in most.items()}
    assert [row.elapsed_ns for row in rows] == sorted(row.elapsed_ns for row in rows)
    assert len(rows) + sum(done.duplicates) == sum(map(len, recorded))


def test_one_is_not_several(sessions: Sessions, tmp_path: Path) -> None:
    """Said, and nothing made."""
    with pytest.raises(ArirecordError, match="two sessions or more"):
        merged(tmp_path, sessions["ivr_dtmf/all"])


def test_time_between_sessions_is_a_gap(tmp_path: Path) -> None:
    """Of two days one after the other; not where one of them recorded, nor between parts that follow each other."""
    frames = frames_of("ivr_dtmf/all")
    one = write(tmp_path / "one.parquet", frames[:101])
    two = write(tmp_path / "two.parquet", frames[101:], start_ns=START_NS + 3600 * SECOND)
    three = write(tmp_path / "three.parquet", frames[:3], step_ns=1800 * SECOND)
    apart, _ = merged(tmp_path, one, two, keep_clocks=True)
    gaps = [gap.end_ns - gap.begin_ns for gap in apart.recorded_time.gaps]

    assert gaps == [3599 * SECOND]
    together, _ = merged(tmp_path, one, two, three, keep_clocks=True)
    assert together.header.gap_count == 0


def test_a_server_is_not_recorded_before_its_recording_begins_and_after_its_end(tmp_path: Path) -> None:
    """In the file as in a folder of both."""
    frames = {name: f'{{"type":"Dial","asterisk_id":"{name}"}}' for name in "ab"}
    write(tmp_path / "a.parquet", [frames["a"]] * 11, step_ns=SECOND)
    write(tmp_path / "b.parquet", [frames["b"]] * 3, start_ns=START_NS + 4 * SECOND, step_ns=SECOND)
    session, _ = merged(tmp_path, tmp_path / "a.parquet", tmp_path / "b.parquet", keep_clocks=True)
    spans = [(session.recorded_time_of(server).spans) for server in session.servers]
    begin_ns = session.header.started_ns

    assert [[(a - begin_ns, b - begin_ns) for a, b in own] for own in spans] == [
        [(0, 10 * SECOND)],
        [(4 * SECOND, 6 * SECOND)],
    ]
    assert session.recorded_time.duration_ns == 10 * SECOND


def test_clocks_of_two_servers_are_not_compared(tmp_path: Path) -> None:
    """Asterisk's clock of the second server is an hour behind: the recorders' clocks may agree all the same."""
    paths = []
    for name, hour in (("one", 10), ("two", 9)):
        frames = [
            f'{{"type":"Dial","timestamp":"2026-11-23T{hour:02}:00:{n:02}.000+0000","asterisk_id":"{name}"}}'
            for n in range(20)
        ]
        paths.append(write(tmp_path / f"{name}.parquet", frames))
    _, done = merged(tmp_path, *paths)
    assert done.clocks[1] == Clock(0, "nothing: taken to be the same")
