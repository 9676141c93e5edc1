"""The doctor finds what is wrong with files: parts of a recording, journals, and what is neither."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from arirecord.doctor import examine, worst
from arirecord.session.header import COMPACT_FORMAT, KEY
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.rows import own_text
from tests.examples import examples

from .doctoring import CAPTURE, SECOND, START_NS, call, damage, event, told, write, write_journal


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
    assert f"arirecord recover {journal}" in found.fix

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
    writer.path.write_bytes(writer.path.read_bytes()[:-60])
    found = [f for f in examine(writer.path) if f.rule == "journal"]

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
    writer._add(line + b"\n", 1)
    writer.close()
    (found,) = examine(writer.path)

    assert told([found]) == [("error", "journal", writer.path.name)]
    assert "row 0" in found.what


def test_data_after_the_end_of_a_journal(target: Path) -> None:
    """Damaged, and its rows are readable."""
    journal = write_journal(journal_path(target), call())
    size = journal.stat().st_size
    journal.write_bytes(journal.read_bytes() + b"more")

    assert [f.what for f in examine(journal)] == [
        f"Damaged: bytes {size:,} to {size + 4:,} are damaged or foreign, no row is lost; 100 rows can be read."
    ]


@pytest.mark.slow
@examples(60)
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

    assert [f.rule for f in examine(journal)] == ["journal", "mode"]


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
        foreign: "not an arirecord session",
        cut: "is a damaged Parquet file",
        stream: "not a journal of arirecord",
    }

    for path, word in words.items():
        (found,) = examine(path)
        assert (found.severity, found.rule) == ("error", "file")
        assert word in found.what

    (tmp_path / "none").mkdir()
    assert [f.what for f in examine(tmp_path / "none")] == ["A folder without any .parquet file or journal."]


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

    assert any("Invalid UTF8" in f.what for f in examine(target) if f.rule == "file")
