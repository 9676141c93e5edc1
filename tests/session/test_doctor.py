"""The doctor finds each damage of a session's rows, says only that, and calls what is sound healthy."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.doctor import Finding, examine, examine_session, worst
from arirecord.doctor.columns import Columns
from arirecord.doctor.row_batches import Batch
from arirecord.session.reader import open_session
from tests.conftest import streams
from tests.examples import examples

from .doctoring import SAMPLES, call, damage, put, row, told, write


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
    """Notes only: of duplicates, of linkedids unless Asterisk sent them, and of what the recorder was not sent."""
    found = list(examine(path))
    noted = {
        "tapped_menu": {"duplicates", "channels"},
        "office_hour": {"duplicates", "stasis"},
        "voice_agent": {"channels", "talk-detection"},
    }

    assert {f.rule for f in found} == noted.get(path.stem, {"duplicates", "linkedid", "stasis"})
    assert worst(found) == "note"


@pytest.mark.parametrize("name", [*(n for n in streams() if n != "edge_ws_drop/all_2")])
def test_real_streams_are_healthy(name: str, sessions: dict[str, Path]) -> None:
    """Whatever happened in them, Asterisk sent it in order."""
    assert worst(examine(sessions[name])) in (None, "note")


def test_a_real_client_that_did_not_read(sessions: dict[str, Path]) -> None:
    """It stopped reading for ten seconds; its clocks are right all the same."""
    found = [f for f in examine(sessions["edge_ws_drop/all_2"]) if f.severity != "note"]

    assert {f.rule for f in found} == {"switch-clock"}
    assert "changes by 10.0 s, from 2 ms to 10.0 s" in found[0].what
    assert "behind" not in " ".join(f.what for f in examine(sessions["edge_ws_drop/all_2"]))


# ––– the rows


def test_a_row_is_missing(target: Path) -> None:
    """A hole in seq, and a header that counted it."""
    write(target, call())
    damage(target, lambda t: pa.concat_tables([t.slice(0, 50), t.slice(51)]))
    found = list(examine(target))

    assert ("error", "order", "seq 51") in told(found)
    assert {f.rule for f in found} == {"order", "header"}
    assert any("rows 100, the rows 99" in f.what for f in found)


def test_rows_are_swapped(target: Path) -> None:
    """In each thing that has an order."""
    write(target, call())
    damage(target, lambda t: t.take([*range(50), 51, 50, *range(52, 100)]))

    assert set(told(examine(target))) == {
        ("error", "order", "seq 51"),
        ("error", "order", "seq 50"),
        ("error", "order", "seq 52"),
        ("warning", "channel-order", "seq 50"),
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
    found = [f for f in examine(target) if f.rule == "columns"]

    assert told(found) == [("error", "columns", f"seq {seq}")]
    assert found[0].what.startswith(f"{column} is ")


@pytest.mark.slow
@examples(25)
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


@pytest.mark.parametrize(
    ("change", "is_compared"),
    [
        (lambda path: None, False),
        (lambda path: damage(path, lambda table: table), True),
        (lambda path: flip(path, path.stat().st_size // 3), True),
    ],
    ids=["as it was sealed", "written by another program", "a byte changed"],
)
def test_columns_are_compared_unless_the_file_is_as_sealed(
    change: Callable[[Path], object], is_compared: bool, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comparing takes most of the time; a digest in the header makes it needless."""
    path = write(target, call(20_000))
    change(path)
    compared: list[int] = []
    original = Columns.rows

    def rows(self: Columns, batch: Batch) -> Iterator[Finding]:
        compared.append(batch.table.num_rows)
        return original(self, batch)

    monkeypatch.setattr(Columns, "rows", rows)
    findings = list(examine(path))

    assert (sum(compared) > 0 or worst(findings) == "error") == is_compared


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


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
