"""Recorded time: gaps, and the time between two recordings of a folder, are not recorded; everybody says the same."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arirecord
from arirecord.analytics import connect
from arirecord.cli.info import describe
from arirecord.doctor import examine
from arirecord.report.notebook import session_html
from arirecord.report.page import report_html
from arirecord.session.compact import compact
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.recorded_time import Extent, Gap, Span, measure
from arirecord.session.seal import seal
from arirecord.transform.filter import Selection, filter_session

from .doctoring import SECOND, START_NS, call, damage, row, write

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "sample_data"
FOLDERS = [SAMPLES, SAMPLES / "week", *sorted(SAMPLES.glob("*.parquet"))]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Extent], list[Gap], set[int]]:
    """Up to three recordings in parts, in order of time, their gaps, and each second that one of them recorded."""
    parts: list[tuple[Extent, list[Span]]] = []
    seconds: set[int] = set()
    for started in draw(st.lists(st.integers(0, 60), min_size=1, max_size=3, unique=True)):
        at, seq = started, 0
        own: set[int] = set()
        is_after_part = False
        for _ in range(draw(st.integers(1, 3))):
            is_missing = draw(st.booleans())
            begin = at + draw(st.integers(0, 5))
            end = begin + draw(st.integers(1, 10))
            if not is_missing:
                lost = draw(st.integers(begin, end))
                back = draw(st.integers(lost, end))
                parts.append((Extent(started, seq, seq + 9, begin, end), [Span(lost, back)] if back > lost else []))
                own |= set(range(begin, end)) - set(range(lost, back))
                own |= set(range(at, begin)) if is_after_part else set()
            at, seq, is_after_part = end, seq + 10, not is_missing
        seconds |= own
    parts.sort(key=lambda part: part[0].begin_ns)
    gaps = [
        Gap(*span, number, 5 + extent.first_seq, False) for number, (extent, own) in enumerate(parts) for span in own
    ]
    return [extent for extent, _ in parts], gaps, seconds


@given(recordings())
def test_each_second_is_recorded_or_not(drawn: tuple[Sequence[Extent], Sequence[Gap], set[int]]) -> None:
    """What is counted second by second is what the spans add up to, and they neither overlap nor touch."""
    extents, gaps, seconds = drawn
    time = measure(extents, gaps)

    assert {second for span in time.spans for second in range(*span)} == seconds
    assert time.duration_ns == len(seconds)
    assert all(one.end_ns < two.begin_ns for one, two in zip(time.spans, time.spans[1:], strict=False))
    reported = {(gap.part, gap.seq) for gap in gaps}
    between = [gap for gap in time.gaps if gap.is_between]
    assert {(gap.part, gap.seq) for gap in time.gaps if not gap.is_between} == reported
    for gap in between:
        assert seconds.isdisjoint(range(gap.begin_ns, gap.end_ns))


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)
def test_everybody_says_the_same(path: Path) -> None:
    """`info`, the doctor, the header, Jupyter and the models, of every sample and of all together."""
    check_everybody(path)


def test_two_filtered_parts_of_one_recording(tmp_path: Path) -> None:
    """The rows of each begin with 0, and their names are not in the order of their times: the time between is a gap."""
    whole = open_session(SAMPLES / "transfers.parquet")
    started_ns = whole.header.started_ns
    for name, selection in (
        ("b", Selection(until_ns=started_ns + 30 * SECOND)),
        ("a", Selection(since_ns=started_ns + 60 * SECOND)),
    ):
        filter_session(whole, selection, tmp_path / f"{name}.parquet")

    check_everybody(tmp_path)
    assert [finding.severity for finding in examine(tmp_path) if finding.rule == "parts"] == ["warning"]


def check_everybody(path: Path) -> None:
    session = arirecord.open_session(path)
    info = describe(session)
    words = ("Gap ", "Nothing was recorded", "missing between")
    told_gaps = [finding for finding in examine(path, is_quick=True) if any(word in finding.what for word in words)]
    (kpis,) = session.kpis().to_dicts()

    assert info["gaps"] == len(session.recorded_time.gaps) == session.header.gap_count == len(told_gaps)
    assert session.sql("SELECT count(*) FROM recording_gaps").item() == info["gaps"]
    assert kpis["recorded_s"] == pytest.approx(info["recorded_s"], abs=0.01 * len(session.parts))
    assert 0 <= info["recorded_s"] <= info["duration_s"]
    assert f">{info['gaps']:,};" in session_html(session)
    assert f">{info['recorded_s']:,.1f} s<" in session_html(session)


def test_a_report_says_it_too() -> None:
    """Nothing is "complete" if hours of it are missing."""
    page = report_html(open_session(SAMPLES / "week"), worst=0)

    assert "4 gaps: times without a connection, or between recordings" in page
    assert "29,047.1 s of 356,395.1 s" in page
    assert "Complete: no gap" not in page


def test_the_recorded_time_of_a_folder_is_that_of_its_recordings() -> None:
    """The days of the week, which do not overlap, add up; between them are gaps."""
    week = open_session(SAMPLES / "week")
    days = [open_session(path) for path in week.paths]

    assert week.recorded_time.duration_ns == sum(day.header.duration_ns for day in days)
    assert week.header.gap_count == len(days) - 1
    assert week.header.duration_ns > 10 * week.recorded_time.duration_ns


def test_files_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Whatever their names are: no length is negative, and rows come in order."""
    monday = write(tmp_path / "z_monday.parquet", call())
    tuesday = write(tmp_path / "a_tuesday.parquet", call(), start_ns=START_NS + 86_400 * SECOND)
    session = open_session(tmp_path)

    assert session.paths == [monday, tuesday]
    assert session.header.duration_ns == 86_400 * SECOND + 99 * SECOND
    assert (session.header.first_at, session.header.last_at) == (
        open_session(monday).header.first_at,
        open_session(tuesday).header.last_at,
    )
    times = [frame.t_ns for frame in session.frames()]
    assert times == sorted(times)
    assert connect(tmp_path, models=[]).sql("SELECT bool_and(a <= b) FROM (SELECT received_at AS a, lead(received_at) "
        "OVER (ORDER BY seq) AS b FROM rows)").fetchall() == [(True,)]  # fmt: skip


def test_files_of_one_time_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Two recorders that were started at once."""
    paths = [write(tmp_path / name, call()) for name in ("b.parquet", "a.parquet", "c.parquet")]

    assert open_session(tmp_path).paths == sorted(paths)


def test_parts_of_one_recording_have_no_gap(tmp_path: Path) -> None:
    """However long nothing came between their rows."""
    lines = call()
    write(tmp_path / "1.parquet", lines[:50])
    late = [replace(line, elapsed_s=line.elapsed_s + 3600, wall_s=line.wall_s + 3600) for line in lines[50:]]
    write(tmp_path / "2.parquet", late, first_seq=50)
    session = open_session(tmp_path)

    assert session.header.gap_count == 0
    assert session.recorded_time.duration_ns == session.header.duration_ns > 3600 * SECOND


@pytest.mark.parametrize("is_compact", [False, True])
@pytest.mark.parametrize("is_first_of_its_part", [False, True])
def test_a_lost_connection_is_not_recorded_time(tmp_path: Path, is_compact: bool, is_first_of_its_part: bool) -> None:
    """From the last event to the row that reports the gap, also where a new part begins with that row."""
    lines = call()
    gap = row("connection", "gap", 69.5, lost_since="2026-11-23T22:00:00.000+0000", reason="away")
    lines = [*lines[:50], gap, *lines[70:]]
    split = 50 if is_first_of_its_part else 60
    (tmp_path / "whole").mkdir()
    write(tmp_path / "whole" / "1.parquet", lines[:split])
    write(tmp_path / "whole" / "2.parquet", lines[split:], first_seq=split)
    if is_compact:
        compact(open_session(tmp_path / "whole"), tmp_path / "compact")
    session = open_session(tmp_path / ("compact" if is_compact else "whole"))

    assert [(gap.seq, gap.end_ns - gap.begin_ns) for gap in session.recorded_time.gaps] == [(50, 20_498_000_000)]
    assert session.recorded_time.duration_ns == session.header.duration_ns - 20_498_000_000
    assert connect(session, models=[]).sql("SELECT seq, is_between_parts FROM recording_gaps").fetchall() == [
        (50, False)
    ]


def test_a_missing_part_is_a_gap(tmp_path: Path) -> None:
    """Its rows are known to be missing, and so is its time."""
    lines = call()
    for number in (0, 1, 3):
        write(tmp_path / f"{number}.parquet", lines[number * 25 : number * 25 + 25], first_seq=number * 25)
    session = open_session(tmp_path)

    assert [(gap.seq, gap.part) for gap in session.recorded_time.gaps] == [(75, 2)]
    assert session.recorded_time.duration_ns == 73 * SECOND
    assert connect(session, models=[]).sql("SELECT seq, is_between_parts FROM recording_gaps").fetchall() == [
        (74, True)
    ]


def gaps_in_sql(path: Path) -> list[tuple[int, bool]]:
    relation = connect(path, models=[]).sql("SELECT seq, is_between_parts FROM recording_gaps")
    return [(seq, is_between) for seq, is_between in relation.fetchall()]


def test_how_a_folder_ended(tmp_path: Path) -> None:
    """As the first of its recordings that ended before its time, also if a whole one follows."""
    cut = write(tmp_path / "1.parquet", call())
    damage(cut, lambda table: table, lambda header: replace(header, ended="cut off"))
    write(tmp_path / "2.parquet", call(), start_ns=START_NS + 1000 * SECOND)

    assert open_session(tmp_path).header.ended == "cut off"


def test_parts_are_in_the_order_of_the_monotonic_clock(tmp_path: Path) -> None:
    """The clock was set back by five seconds between two parts, so that the second has the earlier name."""
    for name, first_seq, wall_ns in (("120005-000000", 0, 0), ("120003-000001", 3, -5 * 10**9)):
        path = tmp_path / f"{name}.parquet"
        writer = JournalWriter(journal_path(path), 10**18, {"verb": "capture"}, first_seq)
        rows = range(first_seq, first_seq + 3)
        times = [(10**18 + wall_ns + n * 10**9, n * 10**9) for n in rows]
        writer.write([(wall, elapsed, "event", f'{{"type":"Dial","elapsed":{elapsed}}}') for wall, elapsed in times])
        writer.close()
        seal(writer.path, path)
    session = open_session(tmp_path)

    assert [frame.seq for frame in session.frames()] == list(range(6))
    assert (session.header.first_elapsed_ns, session.header.duration_ns) == (0, 5 * 10**9)
    assert session.header.gap_count == 0
    assert not [finding for finding in examine(tmp_path) if finding.severity == "error"]
