"""The doctor finds what went wrong in the recording: headers, clocks, gaps, duplicates, what is missing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arirecord.asterisk.timestamps import format_timestamp
from arirecord.doctor import examine, worst

from .doctoring import CAPTURE, SECOND, START_NS, Line, call, damage, event, row, told, write


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 99},
        {"events": 5},
        {"types": {"Dial": 100}},
        {"applications": {}},
        {"asterisk_ids": {"x": 100}},
        {"first_at": "2020-01-01T00:00:00.000000Z"},
        {"last_at": None},
        {"first_elapsed_ns": 7},
        {"duration_ns": 0},
        {"frame_bytes": 1},
        {"type_bytes": {"Dial": [1, 1]}},
        {"channel_count": 12},
        {"gap_count": 1},
        {"lost_count": 1},
        {"drift": {"unknown type": {"X": 1}}},
        {"started_ns": START_NS - SECOND * 5},
    ],
    ids=str,
)
def test_a_false_header(target: Path, change: dict[str, Any]) -> None:
    """Whatever it says falsely is found."""
    write(target, call())
    damage(target, lambda t: t, lambda header: replace(header, **change))
    found = list(examine(target))

    assert worst(found) == "error"
    assert {f.rule for f in found if f.severity == "error"} == {"header"}


@pytest.mark.parametrize(
    "change", [{"started_ns": "now"}, {"source": "x"}, {"problems": 7}, {"drift": [1]}, {"ended": 5}], ids=str
)
def test_a_header_of_the_wrong_form(target: Path, change: dict[str, Any]) -> None:
    """Nobody can read such a session, and it is said which entry is wrong."""
    write(target, call())
    damage(target, lambda t: t, lambda header: replace(header, **change))
    found = list(examine(target))

    assert worst(found) == "error"
    assert next(iter(change)) in found[0].what


def test_how_it_ended_and_what_was_broken(target: Path) -> None:
    """A warning each."""
    write(target, call())
    problems = [{"where": "a.jsonl:3", "what": "not JSON; kept as it is"}]
    damage(target, lambda t: t, lambda h: replace(h, ended="cut off", problem_count=5, problems=problems * 5))

    assert told(examine(target)) == [("warning", "ended", "s.parquet"), ("warning", "problems", "s.parquet")]


def test_drift_is_noted(target: Path) -> None:
    """What, where and how often; broken frames are a warning."""
    lines = call()
    strange = [event(3, novel=1), event(3, novel=2), '{"type":"Brandnew"}', "garbage"]
    write(target, [*lines[:4], *(replace(lines[3], raw=raw) for raw in strange), *lines[4:]])
    found = {f.what: f.severity for f in examine(target) if f.rule == "drift"}

    assert found == {
        "2 × unknown field: ChannelVarset.novel 2.": "note",
        "1 × unknown type: Brandnew 1.": "note",
        "1 × not JSON: (whole frame) 1.": "warning",
    }


# ––– time


@pytest.mark.parametrize(("jump_s", "words"), [(3600.0, "forwards by 1 h 0 min"), (-3.0, "backwards by 3.0 s")])
def test_the_wall_clock_jumps(target: Path, jump_s: float, words: str) -> None:
    """Which way, how far and where; nothing else."""
    lines = [replace(line, wall_s=line.wall_s + jump_s * (i >= 60)) for i, line in enumerate(call())]
    (found,) = examine(write(target, lines))

    assert told([found]) == [("warning", "clock", "seq 60")]
    assert words in found.what


def test_the_wall_clock_is_slewed(target: Path) -> None:
    """Little by little: a note."""
    lines = [replace(line, wall_s=line.wall_s + 0.05 * i) for i, line in enumerate(call())]

    assert told(examine(write(target, lines))) == [("note", "clock", "s.parquet")]


def test_import_of_lines_that_go_back(target: Path) -> None:
    """Two streams one after the other that were recorded at once: one finding where the second begins."""
    walls = [i + 0.002 - 50 * (i >= 50) for i in range(100)]
    lines = [replace(line, wall_s=walls[i], elapsed_s=max(walls[: i + 1])) for i, line in enumerate(call())]
    found = [f for f in examine(write(target, lines, {"verb": "import"})) if f.rule == "clock"]

    assert told(found) == [("warning", "clock", "seq 50")]
    assert "goes back by 49.0 s" in found[0].what


@pytest.mark.parametrize("jump_s", [100, -100])
def test_the_switch_s_clock_jumps(target: Path, jump_s: float) -> None:
    """Seen where its events' timestamps are, not where the recorder's clock is."""
    lines = call()
    moved = [replace(line, raw=event(i, at_s=i + jump_s, channel="c9")) for i, line in enumerate(lines)]
    found = [f for f in examine(write(target, lines[:64] + moved[64:])) if f.severity != "note"]

    assert told(found) == [("warning", "switch-clock", "seq 64")]


@pytest.mark.parametrize(("offset_s", "way"), [(5, "ahead of"), (-5, "behind")])
def test_the_switch_s_clock_is_off(target: Path, offset_s: int, way: str) -> None:
    """All the time by the same: a note."""
    lines = [replace(line, wall_s=line.wall_s - offset_s, elapsed_s=line.elapsed_s) for line in call()]
    (found,) = examine(
        write(target, [replace(x, wall_s=x.elapsed_s) for x in lines], start_ns=START_NS - offset_s * SECOND)
    )

    assert told([found]) == [("note", "switch-clock", "s.parquet")]
    assert f"5.0 s {way} the recorder's" in found.what


def test_the_switch_s_clock_was_not_set(target: Path) -> None:
    """Its events are of 1970."""
    since_1970_s = START_NS // SECOND
    unset = [replace(line, raw=event(i, at_s=i - since_1970_s)) for i, line in enumerate(call())]
    found = [f for f in examine(write(target, unset)) if f.rule == "switch-clock"]

    assert told(found) == [("warning", "switch-clock", "seq 0")]
    assert "of 1970-01-01T00:00:00" in found[0].what


def test_a_channel_goes_back_in_time(target: Path) -> None:
    """By how much; another channel may."""
    lines = call()
    lines[40] = replace(lines[40], raw=event(40, at_s=38.5))
    lines[50] = replace(lines[50], raw=event(50, at_s=49.5, channel="c2"))
    found = [f for f in examine(write(target, lines)) if f.severity == "warning"]

    assert told(found) == [("warning", "channel-order", "seq 40")]
    assert "channel c1 goes back by 500 ms" in found[0].what


# ––– losses


def test_a_gap(target: Path) -> None:
    """Since when, until when, how long, how many."""
    gap = row(
        "connection", "gap", 49.5, lost_since=format_timestamp(START_NS + 47 * SECOND), lost_count=7, reason="away"
    )
    lines = call()
    (found,) = examine(write(target, [*lines[:50], gap, *lines[50:]]))

    assert told([found]) == [("warning", "gap", "seq 50")]
    assert "from 2026-11-23T22:58:24.000000Z until 2026-11-23T22:58:26.500000Z (2.5 s), 7 frames" in found.what
    assert "away" in found.what


def test_a_gap_that_does_not_say_since_when(target: Path) -> None:
    """Since the row before it."""
    lines = call()
    (found,) = examine(write(target, [*lines[:50], row("connection", "gap", 49.502), *lines[50:]]))

    assert "(500 ms), an unknown number of frames lost" in found.what


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("opened", 0)], "ends while a connection is open"),
        ([("closed", 99)], "closed that was never opened"),
        ([("opened", 0), ("opened", 50), ("closed", 99)], "neither closed nor lost"),
        ([("opened", 0), ("closed", 50), ("opened", 51), ("closed", 99)], ""),
        ([("opened", 0), ("gap", 50), ("opened", 51), ("closed", 99)], ""),
        ([("opened", 0), ("closed", 49), ("gap", 50), ("opened", 51), ("closed", 99)], ""),
    ],
)
def test_connections_come_in_pairs(target: Path, rows: list[tuple[str, int]], words: str) -> None:
    """Opened, then closed."""
    lines = sorted([*call(), *(row("connection", what, at_s) for what, at_s in rows)], key=lambda line: line.elapsed_s)
    found = [f for f in examine(write(target, lines)) if f.rule != "gap"]

    assert [f.rule for f in found] == (["connection"] if words else [])
    assert all(words in f.what for f in found)


def test_another_client_took_the_application(target: Path) -> None:
    """The socket stays open and silent: without this nobody would know."""
    lines = call()
    lines[50] = replace(lines[50], raw='{"type":"ApplicationReplaced","application":"rec"}')

    assert told(examine(write(target, lines))) == [("warning", "replaced", "seq 50")]


# ––– what the wire brought


def test_duplicates_are_noted(target: Path) -> None:
    """With their ratio."""
    lines = call()
    (found,) = examine(write(target, [*lines[:51], lines[50], lines[50], *lines[51:]]))

    assert found.severity == "note"
    assert "2 of 102 events (1.96%)" in found.what
    assert "ChannelVarset 2" in found.what


def test_what_is_missing_is_noted(target: Path) -> None:
    """linkedid, StasisStart, the beginning and end of channels, filtered types."""
    lines = [replace(x, raw=x.raw.replace("CHANNEL(linkedid)", "OTHER")) for x in call() if "StasisStart" not in x.raw]
    assert [f.rule for f in examine(write(target, lines))] == ["linkedid", "stasis"]

    target.unlink()
    write(target, [x for x in call() if "ChannelCreated" not in x.raw], {**CAPTURE, "exclude": ["ChannelCreated"]})
    assert [(f.rule, f.what) for f in examine(target)] == [
        ("channels", "None of the 1 channels has its ChannelCreated."),
        ("filter", "Events were filtered before they were recorded: exclude ChannelCreated."),
    ]

    target.unlink()
    write(target, [*call()[:-1], Line(event(99, channel="late"), 99.5, 99.5)])
    found = [f.what for f in examine(target)]
    assert found[0].startswith("1 of 2 channels have no ChannelCreated")
    assert found[1] == "None of the 2 channels has its ChannelDestroyed."


# ––– folders
