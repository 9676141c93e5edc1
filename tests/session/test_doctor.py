"""The doctor finds each damage, says only that, and calls what is sound healthy."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from arirecord.ari.timestamps import format_timestamp
from arirecord.session.doctor import Finding, examine, examine_session, worst
from arirecord.session.doctor.findings import seconds
from arirecord.session.header import COMPACT_FORMAT, KEY, Header
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.rows import own_text
from arirecord.session.seal import seal
from tests.conftest import streams

SAMPLES = sorted((Path(__file__).parents[2] / "sample_data").glob("*.parquet"))
START_NS = 1_795_474_657_000_000_000
SECOND = 1_000_000_000
CAPTURE = {"verb": "capture", "url": "http://pbx:8088/ari", "application": "rec", "subscribe_all": True}


@dataclass(frozen=True)
class Line:
    """A row to write: `wall_s` and `elapsed_s` after the start, `late_s` how late the event comes."""

    raw: str
    elapsed_s: float
    wall_s: float
    kind: str = "event"


def event(
    number: int, kind: str = "ChannelVarset", *, channel: str = "c1", at_s: float | None = None, **more: Any
) -> str:
    """A frame as Asterisk writes it, `number` seconds after the start unless `at_s` is given."""
    ms = START_NS + int((number if at_s is None else at_s) * SECOND)
    stamp = format_timestamp(ms)[:23] + "+0000"
    frame = {
        "type": kind,
        "value": str(number),
        "timestamp": stamp,
        "channel": {"id": channel, "channelvars": {"CHANNEL(linkedid)": "c1"}},
        "asterisk_id": "02:fc",
        "application": "rec",
        **more,
    }
    if kind != "ChannelVarset":
        del frame["value"]
    return orjson.dumps(frame).decode()


def call(count: int = 100) -> list[Line]:
    """A sound recording: a channel that comes, does things, and goes; an event a second."""
    kinds = ["ChannelCreated", "StasisStart", *["ChannelVarset"] * (count - 3), "ChannelDestroyed"]
    more: dict[str, dict[str, Any]] = {
        "ChannelDestroyed": {"cause": 16, "cause_txt": "Normal"},
        "StasisStart": {"args": []},
    }
    frames = [event(i, kind, **more.get(kind, {})) for i, kind in enumerate(kinds)]
    return [Line(frame, i + 0.002, i + 0.002) for i, frame in enumerate(frames)]


def row(kind: str, what: str, at_s: float, **fields: Any) -> Line:
    """A row of arirecord's own."""
    return Line(own_text(kind, what, **fields), at_s, at_s, kind)


def write_journal(
    path: Path, lines: Iterable[Line], source: dict[str, Any] = CAPTURE, *, start_ns: int = START_NS, first_seq: int = 0
) -> Path:
    writer = JournalWriter(path, start_ns, source, first_seq)
    writer.write(
        (start_ns + int(line.wall_s * SECOND), int(line.elapsed_s * SECOND), line.kind, line.raw) for line in lines
    )
    writer.close()
    return path


def write(target: Path, lines: Iterable[Line], source: dict[str, Any] = CAPTURE, **options: Any) -> Path:
    """Seal these rows."""
    seal(write_journal(journal_path(target), lines, source, **options), target)
    return target


def damage(
    path: Path, change: Callable[[pa.Table], pa.Table], header: Callable[[Header], Header] | None = None
) -> Path:
    """Change a sealed session's rows, and its header."""
    table = pq.read_table(path)
    found = Header.load(pq.read_metadata(path).metadata[KEY])
    text = (header(found) if header else found).dump()
    changed = change(table)
    with pq.ParquetWriter(path, changed.schema) as writer:
        writer.write_table(changed)
        writer.add_key_value_metadata({KEY: text})
    return path


def put(table: pa.Table, name: str, seq: int, value: Any) -> pa.Table:
    """Another value in one cell."""
    values = table[name].cast(pa.int64()) if name == "received_at" else table[name]
    values = pa.array([value if i == seq else v for i, v in enumerate(values.to_pylist())], values.type)
    return table.set_column(table.column_names.index(name), table.schema.field(name), values.cast(table[name].type))


def told(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """What was found: severity, check, where."""
    return [(f.severity, f.check, f.where) for f in findings]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "s.parquet"


def test_a_sound_session_gives_no_finding(target: Path) -> None:
    """Not even a note, where it has all that it could have."""
    opened, closed = row("connection", "opened", 0, status=101), row("connection", "closed", 99.5)
    write(
        target, [opened, *call(), closed, row("mark", "mark", 99.6, text="done"), row("rest", "GET", 99.7, status=200)]
    )

    assert list(examine(target)) == []
    assert list(examine_session(open_session(target))) == []
    assert list(examine(target, is_quick=True)) == []


def test_an_empty_session_is_healthy(target: Path) -> None:
    """Nothing happened, and that is what it says."""
    write(target, [])

    assert list(examine(target)) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_healthy(path: Path) -> None:
    """Notes only: of duplicates, linkedid, and what a recorder, or a tapped application, is not told."""
    found = list(examine(path))
    not_told = {"duplicates", "channels"} if path.stem == "tapped_menu" else {"duplicates", "linkedid", "stasis"}

    assert {f.check for f in found} == not_told
    assert worst(found) == "note"


@pytest.mark.parametrize("name", [*(n for n in streams() if n != "edge_ws_drop/all_2")])
def test_real_streams_are_healthy(name: str, sessions: dict[str, Path]) -> None:
    """Whatever happened in them, Asterisk sent it in order."""
    assert worst(examine(sessions[name])) in (None, "note")


def test_a_real_client_that_did_not_read(sessions: dict[str, Path]) -> None:
    """It stopped reading for ten seconds; its clocks are right all the same."""
    found = [f for f in examine(sessions["edge_ws_drop/all_2"]) if f.severity != "note"]

    assert {f.check for f in found} == {"switch clock"}
    assert "changes from 2 ms to 10.0 s" in found[0].what
    assert "behind" not in " ".join(f.what for f in examine(sessions["edge_ws_drop/all_2"]))


# ––– the rows


def test_a_row_is_missing(target: Path) -> None:
    """A hole in seq, and a header that counted it."""
    write(target, call())
    damage(target, lambda t: pa.concat_tables([t.slice(0, 50), t.slice(51)]))
    found = list(examine(target))

    assert ("error", "order", "seq 51") in told(found)
    assert {f.check for f in found} == {"order", "header"}
    assert any("rows 100, the rows 99" in f.what for f in found)


def test_rows_are_swapped(target: Path) -> None:
    """In each thing that has an order."""
    write(target, call())
    damage(target, lambda t: t.take([*range(50), 51, 50, *range(52, 100)]))

    assert set(told(examine(target))) == {
        ("error", "order", "seq 51"),
        ("error", "order", "seq 50"),
        ("error", "order", "seq 52"),
        ("warning", "channel order", "seq 50"),
    }


def test_a_file_broken_in_every_row_gives_few_findings(target: Path) -> None:
    """Five, and how many more."""
    write(target, call())
    found = list(examine(damage(target, lambda t: t.take(list(range(99, -1, -1))))))

    assert len(found) < 30
    assert any(f.what == "… and 94 more like this." for f in found)


def test_elapsed_falls_and_is_negative(target: Path) -> None:
    """An error each."""
    write(target, call())
    found = list(examine(damage(target, lambda t: put(put(t, "elapsed_ns", 50, 5), "elapsed_ns", 0, -1))))

    assert ("error", "order", "seq 50") in told(found)
    assert any("elapsed_ns is negative" in f.what and f.where == "seq 0" for f in found)


@pytest.mark.parametrize(
    ("column", "value", "seq"),
    [
        ("type", "ChannelHold", 9),
        ("channel_id", "c2", 7),
        ("channel_id", None, 7),
        ("value", "changed", 99 - 1),
        ("application", "other", 3),
        ("timestamp", 1_795_474_667_001, 10),
        ("extra", "{}", 5),
        ("cause", 17, 99),
        ("args", ["x"], 1),
        ("channel_channelvars", "{}", 12),
    ],
)
def test_a_column_says_something_else_than_the_frame(target: Path, column: str, value: Any, seq: int) -> None:
    """The row, the column and both values are named."""
    write(target, call())
    damage(target, lambda t: put(t, column, seq, value))
    found = [f for f in examine(target) if f.check == "columns"]

    assert told(found) == [("error", "columns", f"seq {seq}")]
    assert found[0].what.startswith(f"{column} is ")


@settings(max_examples=25)
@given(st.data())
def test_any_change_of_a_value_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whichever string or number it is."""
    target = write(tmp_path_factory.mktemp("doctor") / "s.parquet", call(20))
    table = pq.read_table(target)
    changeable = [f.name for f in table.schema if f.type in (pa.string(), pa.int64()) and f.name != "elapsed_ns"]
    name, seq = data.draw(st.sampled_from(changeable)), data.draw(st.integers(0, 19))
    fresh = st.text(max_size=5) if table.schema.field(name).type == pa.string() else st.integers(-(2**63), 2**63 - 1)
    value = data.draw(fresh.filter(lambda v: v != table[name][seq].as_py()))
    damage(target, lambda t: put(t, name, seq, value))

    assert worst(examine(target)) == "error"


def test_raw_was_changed(target: Path) -> None:
    """The columns still know what it was."""
    write(target, call())
    damage(target, lambda t: put(t, "raw", 20, t["raw"][20].as_py().replace('"c1"', '"c2"')))

    assert told(examine(target)) == [("error", "columns", "seq 20")] * 2  # the id and the variable


def test_raw_is_null(target: Path) -> None:
    """A row without its text is no row."""
    write(target, call())
    damage(target, lambda t: put(t, "raw", 20, None))

    assert any("raw is null in 1 rows" in f.what for f in examine(target))


def test_columns_are_missing_or_strange(target: Path) -> None:
    """Each is named; without those that all sessions have the rows can't be checked."""
    write(target, call())
    damage(target, lambda t: t.drop(["value"]))
    assert [f.what for f in examine(target)] == ["The column value is missing, and the frame has a value for it."]

    damage(target, lambda t: t.append_column("novel", pa.nulls(100, pa.string())))
    assert "A column that this arirecord does not know: novel." in [f.what for f in examine(target)]

    index = pq.read_schema(target).names.index("channel_id")
    damage(target, lambda t: t.set_column(index, "channel_id", pa.array(range(100))))
    assert "The column channel_id is int64, not string." in [f.what for f in examine(target)]

    damage(target, lambda t: t.drop(["elapsed_ns"]))
    assert "The column elapsed_ns is missing." in [f.what for f in examine(target)]


def test_quick_compares_a_sample_and_says_so(target: Path) -> None:
    """The beginning of each batch."""
    write(target, call(1200))
    damage(target, lambda t: put(t, "value", 1100, "changed"))

    assert [f.what for f in examine(target, is_quick=True)] == [
        "Only 1,000 of 1,200 rows were compared with their frames."
    ]
    assert told(examine(target)) == [("error", "columns", "seq 1100")]


# ––– the header


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
    assert {f.check for f in found if f.severity == "error"} == {"header"}


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
    found = {f.what: f.severity for f in examine(target) if f.check == "drift"}

    assert found == {
        "2 × unknown field: ChannelVarset.novel 2.": "note",
        "1 × unknown type: Brandnew 1.": "note",
        "1 × not JSON: (whole frame) 1.": "warning",
    }


# ––– time


@pytest.mark.parametrize(("jump_s", "words"), [(3600.0, "forwards by 1:00:00 h"), (-3.0, "backwards by 3.0 s")])
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
    found = [f for f in examine(write(target, lines, {"verb": "import"})) if f.check == "clock"]

    assert told(found) == [("warning", "clock", "seq 50")]
    assert "goes back by 49.0 s" in found[0].what


@pytest.mark.parametrize("jump_s", [100, -100])
def test_the_switch_s_clock_jumps(target: Path, jump_s: float) -> None:
    """Seen where its events' timestamps are, not where the recorder's clock is."""
    lines = call()
    moved = [replace(line, raw=event(i, at_s=i + jump_s, channel="c9")) for i, line in enumerate(lines)]
    found = [f for f in examine(write(target, lines[:64] + moved[64:])) if f.severity != "note"]

    assert told(found) == [("warning", "switch clock", "seq 64")]


@pytest.mark.parametrize(("offset_s", "way"), [(5, "ahead of"), (-5, "behind")])
def test_the_switch_s_clock_is_off(target: Path, offset_s: int, way: str) -> None:
    """All the time by the same: a note."""
    lines = [replace(line, wall_s=line.wall_s - offset_s, elapsed_s=line.elapsed_s) for line in call()]
    (found,) = examine(
        write(target, [replace(x, wall_s=x.elapsed_s) for x in lines], start_ns=START_NS - offset_s * SECOND)
    )

    assert told([found]) == [("note", "switch clock", "s.parquet")]
    assert f"5.0 s {way} the recorder's" in found.what


def test_a_channel_goes_back_in_time(target: Path) -> None:
    """By how much; another channel may."""
    lines = call()
    lines[40] = replace(lines[40], raw=event(40, at_s=38.5))
    lines[50] = replace(lines[50], raw=event(50, at_s=49.5, channel="c2"))
    found = [f for f in examine(write(target, lines)) if f.severity == "warning"]

    assert told(found) == [("warning", "channel order", "seq 40")]
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

    assert "(500 ms), nobody knows how many frames" in found.what


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
    found = [f for f in examine(write(target, lines)) if f.check != "gap"]

    assert [f.check for f in found] == (["connection"] if words else [])
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
    assert [f.check for f in examine(write(target, lines))] == ["linkedid", "stasis"]

    target.unlink()
    write(target, [x for x in call() if "ChannelCreated" not in x.raw], {**CAPTURE, "exclude": ["ChannelCreated"]})
    assert [(f.check, f.what) for f in examine(target)] == [
        ("channels", "None of the 1 channels has its ChannelCreated."),
        ("filter", "Events were filtered before they were recorded: exclude ChannelCreated."),
    ]

    target.unlink()
    write(target, [*call()[:-1], Line(event(99, channel="late"), 99.5, 99.5)])
    found = [f.what for f in examine(target)]
    assert found[0].startswith("1 of 2 channels have no ChannelCreated")
    assert found[1] == "None of the 2 channels has its ChannelDestroyed."


# ––– folders


def parts(folder: Path, *, skip: Iterable[int] = (), again: Iterable[int] = ()) -> Path:
    """One recording in parts of 25 rows."""
    folder.mkdir()
    lines = call()
    for number in range(4):
        if number not in skip:
            first = number * 25
            write(folder / f"{number}.parquet", lines[first : first + 25], first_seq=first)
    for number in again:
        (folder / f"{number}-again.parquet").write_bytes((folder / f"{number}.parquet").read_bytes())
    return folder


def test_parts_of_one_recording(tmp_path: Path) -> None:
    """Together they are whole; a part alone says that it is one."""
    folder = parts(tmp_path / "days")

    assert list(examine(folder)) == []
    assert ("note", "parts", "2.parquet") in told(examine(folder / "2.parquet"))
    assert worst(examine(folder / "2.parquet")) == "note"


def test_a_part_is_missing(tmp_path: Path) -> None:
    """How many rows, how long."""
    (found,) = examine(parts(tmp_path / "days", skip=[1]))

    assert told([found]) == [("warning", "parts", "2.parquet")]
    assert "25 rows (26.0 s) are missing" in found.what


def test_a_part_is_there_twice(tmp_path: Path) -> None:
    """An error."""
    found = list(examine(parts(tmp_path / "days", again=[1])))

    assert ("error", "parts", "1.parquet") in told(found) or ("error", "parts", "1-again.parquet") in told(found)


@pytest.mark.parametrize(
    ("later_s", "words"), [(200, "Nothing was recorded for"), (50, "before a.parquet ends"), (99, "")]
)
def test_recordings_side_by_side(tmp_path: Path, later_s: int, words: str) -> None:
    """They leave a hole, overlap, or follow each other."""
    write(tmp_path / "a.parquet", call())
    moved = [replace(x, raw=event(i + later_s, channel="c1")) for i, x in enumerate(call())]
    write(tmp_path / "b.parquet", moved, start_ns=START_NS + later_s * SECOND)
    found = [f for f in examine(tmp_path) if f.severity != "note"]

    assert told(found) == ([("warning", "parts", "b.parquet")] if words else [])
    assert all(words in f.what for f in found)


def test_a_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    """Nor an orphaned journal, nor what a cut-off sealing left."""
    folder = parts(tmp_path / "days")
    (folder / "0.parquet").write_bytes(b"")
    write_journal(folder / "9.parquet.journal", call())
    (folder / ".9.parquet.sealing-x").write_bytes(b"")

    assert told(examine(folder)) == [
        ("error", "file", "0.parquet"),
        ("note", "parts", "1.parquet"),
        ("note", "channels", ""),
        ("note", "stasis", ""),
        ("note", "journal", "9.parquet.journal"),
        ("note", "file", ".9.parquet.sealing-x"),
    ]


# ––– journals


def test_a_whole_journal(target: Path) -> None:
    """Not sealed yet: a note, with what to do; its rows are checked as a session's are."""
    journal = write_journal(journal_path(target), call())
    (found,) = examine(journal)

    assert told([found]) == [("note", "journal", journal.name)]
    assert "100 rows can be read" in found.what
    assert f"arirecord recover {journal}" in found.advice

    journal.unlink()
    lines = [replace(line, wall_s=line.wall_s + 60 * (i >= 60)) for i, line in enumerate(call())]
    assert told(examine(write_journal(journal, lines)))[0] == ("warning", "clock", "seq 60")


def test_a_torn_journal(target: Path) -> None:
    """As after a crash."""
    writer = JournalWriter(journal_path(target), START_NS, CAPTURE)
    for line in call():
        at_ns = int(line.elapsed_s * SECOND)
        writer.write([(START_NS + at_ns, at_ns, "event", line.raw)])
    writer.close()
    writer.path.write_bytes(writer.path.read_bytes()[:-20])
    found = [f for f in examine(writer.path) if f.check == "journal"]

    assert told(found) == [("warning", "journal", writer.path.name)]
    assert "Cut off: 9" in found[0].what


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b'{"t":1}',
        b'{"t":"x","elapsed_ns":1,"frame":""}',
        b'{"t":1,"elapsed_ns":1,"frame":5}',
        b'{"t":9223372036854775808,"elapsed_ns":1,"frame":""}',
    ],
)
def test_a_damaged_journal(target: Path, line: bytes) -> None:
    """Where, and how much is before it."""
    writer = JournalWriter(journal_path(target), START_NS, CAPTURE)
    writer._append(line + b"\n")
    writer.close()
    (found,) = examine(writer.path)

    assert told([found]) == [("error", "journal", writer.path.name)]
    assert "row 0" in found.what


def test_data_after_the_end_of_a_journal(target: Path) -> None:
    """Damaged, and its rows are readable."""
    journal = write_journal(journal_path(target), call())
    journal.write_bytes(journal.read_bytes() + b"more")

    assert [f.what for f in examine(journal)] == ["Damaged: data after its end; 100 rows can be read before that."]


@settings(max_examples=60)
@given(st.data())
def test_no_damage_of_a_file_is_too_much(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut anywhere, any byte changed: findings, never an exception."""
    folder = tmp_path_factory.mktemp("doctor")
    is_journal = data.draw(st.booleans())
    path = write_journal(folder / "j.journal", call(20)) if is_journal else write(folder / "s.parquet", call(20))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])

    assert all(f.severity in ("error", "warning", "note") for f in examine(path))


def test_a_journal_that_is_being_written(target: Path) -> None:
    """Neither torn nor lost: it grows. Beside a session it is told there too."""
    write(target, call())
    writer = JournalWriter(journal_path(target), START_NS, CAPTURE)
    writer.write([(START_NS, 0, "connection", own_text("connection", "opened"))])
    assert told(examine(writer.path)) == [("note", "journal", writer.path.name)]
    assert "right now" in next(iter(examine(writer.path))).what
    assert told(examine(target)) == [("note", "journal", writer.path.name)]

    writer.close()
    assert told(examine(target)) == [("warning", "journal", writer.path.name)]


def test_others_may_read_a_journal(target: Path) -> None:
    """A note: it holds calls."""
    journal = write_journal(journal_path(target), call())
    journal.chmod(0o644)

    assert [f.check for f in examine(journal)] == ["journal", "mode"]


def test_a_journal_without_a_head(target: Path) -> None:
    """Nothing had been written: it can go."""
    journal = journal_path(target)
    journal.write_bytes(b"")

    assert told(examine(journal)) == [("warning", "file", journal.name)]


# ––– foreign files


def test_what_is_neither(tmp_path: Path) -> None:
    """It is said what it is not."""
    empty, text, foreign, cut = (tmp_path / f"{name}.parquet" for name in ("empty", "text", "foreign", "cut"))
    empty.write_bytes(b"")
    text.write_text('{"type":"Dial"}')
    pq.write_table(pa.table({"a": [1]}), foreign)
    cut.write_bytes(foreign.read_bytes()[:-8])
    stream = tmp_path / "stream.jsonl.zst"
    stream.write_bytes(zstandard.compress(b'{"t":1,"frame":"{}"}\n'))
    words = {
        empty: "It is empty",
        text: "neither Parquet nor zstd",
        foreign: "no session of arirecord",
        cut: "is no session",
        stream: "no journal of arirecord",
    }

    for path, word in words.items():
        (found,) = examine(path)
        assert (found.severity, found.check) == ("error", "file")
        assert word in found.what

    (tmp_path / "none").mkdir()
    assert [f.what for f in examine(tmp_path / "none")] == ["A folder without a single .parquet file or journal."]


def test_a_newer_or_damaged_header(target: Path) -> None:
    """Refused, with what to do."""
    for text, word in ((orjson.dumps({"format": COMPACT_FORMAT + 1}), "please update"), (b"{", "damaged")):
        pq.write_table(pa.table({"seq": [1]}).replace_schema_metadata({KEY: text}), target)
        assert word in next(iter(examine(target))).what


def test_what_can_not_be_read(tmp_path: Path) -> None:
    """A finding, not the end of the examination."""
    folder = parts(tmp_path / "days")
    (folder / "5.parquet").mkdir()

    assert told(examine(folder)) == [("error", "file", "5.parquet")]


def test_spans_for_people() -> None:
    """From milliseconds to days."""
    assert [seconds(s) for s in (0.0124, 3.51, -119, 7203, 90_000)] == [
        "12 ms",
        "3.5 s",
        "119.0 s",
        "2:00:03 h",
        "25:00:00 h",
    ]


def test_the_rows_done_are_told(target: Path) -> None:
    """For the progress bar."""
    write(target, call())
    done: list[tuple[str, int]] = []
    list(examine(target, progress=lambda what, rows: done.append((what, rows))))

    assert done[-1] == ("checking", 100)
    assert pc.max(pq.read_table(target)["seq"]).as_py() == 99


def test_a_column_s_name_is_damaged(target: Path) -> None:
    """Or anything else that makes reading Parquet fail in another way than usual."""
    write(target, call())
    target.write_bytes(target.read_bytes().replace(b"elapsed_ns", b"elaps\xd3d_ns"))

    assert told(examine(target)) == [("error", "file", "s.parquet")]


def test_a_time_beyond_all_calendars(target: Path) -> None:
    """Is told as a number."""
    write(target, call())
    damage(target, lambda t: put(t, "received_at", 99, 2**62))

    assert any("µs since 1970" in f.what for f in examine(target))


@pytest.mark.parametrize("head", [{"format": "x", "started_ns": 1, "source": {}}, {"format": 1, "started_ns": 1}])
def test_a_damaged_head(target: Path, head: dict[str, Any]) -> None:
    """It can't be sealed, and that is said."""
    writer = JournalWriter(journal_path(target), START_NS, CAPTURE)
    writer.path.write_bytes(zstandard.compress(orjson.dumps({"arirecord": head}) + b"\n"))
    writer.close()

    assert worst(examine(writer.path)) == "error"


def test_text_that_is_no_text(target: Path) -> None:
    """A flipped bit can make it so."""
    write(target, call())
    damage(target, lambda t: t.set_column(6, t.schema.field(6), pa.array([b"\xe1"] * 100).view(pa.string())))

    assert any("Invalid UTF8" in f.what for f in examine(target) if f.check == "file")
