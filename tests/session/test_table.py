"""The quick way and the exact way give the same columns, and the columns agree with the frames."""

import random
from collections.abc import Sequence
from time import process_time

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.asterisk.catalogue import columns_of, event_types
from arirecord.session.columnar import residuals
from arirecord.session.columnar import table as module
from arirecord.session.columnar.table import UnforeseenColumns, rows_to_table, session_schema
from arirecord.session.header import Drift
from arirecord.session.rows import Row
from tests.conftest import read_lines, streams
from tests.examples import examples

pytestmark = pytest.mark.slow

EVERYTHING = session_schema([*event_types(), "connection"])


def rows_of(frames: Sequence[str]) -> list[Row]:
    return [Row(seq, seq, seq, "event", frame) for seq, frame in enumerate(frames)]


def both_ways(frames: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[pa.Table, pa.Table]:
    quick = rows_to_table(rows_of(frames), EVERYTHING, Drift())
    with monkeypatch.context() as patch:
        patch.setattr(module, "quick", refuse_all)
        exact = rows_to_table(rows_of(frames), EVERYTHING, Drift())
    return quick, exact


def refuse_all(raws: Sequence[str]) -> tuple[pa.Table, list[int]]:
    return pa.table({"type": pa.nulls(len(raws), pa.string())}), list(range(len(raws)))


@pytest.fixture(scope="module")
def frames() -> list[str]:
    """Frames of all small recordings."""
    names = [name for name in streams() if not name.startswith("mixed_load")]
    return [orjson.loads(line)["frame"] for name in names for line in read_lines(streams()[name])]


def test_the_quick_way_gives_what_the_exact_way_gives(frames: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On every real frame, and nothing of it is drift."""
    drift = Drift()
    rows_to_table(rows_of(frames), EVERYTHING, drift)
    quick, exact = both_ways(frames, monkeypatch)

    assert quick.equals(exact)
    assert drift.counts == {}


def test_real_frames_do_go_the_quick_way(frames: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above compares the exact way with itself."""
    exact_rows: list[int] = []
    original = module._one_by_one

    def one_by_one(rows: Sequence[tuple[str, str]], drift: Drift) -> pa.Table:
        exact_rows.append(len(rows))
        return original(rows, drift)

    monkeypatch.setattr(module, "_one_by_one", one_by_one)
    rows_to_table(rows_of(frames), EVERYTHING, Drift())

    assert sum(exact_rows) < len(frames) / 20


def test_unknown_types_take_time_in_proportion() -> None:
    """Eight times the frames of a type that the catalogue lacks take about eight times the time."""

    def seconds(count: int) -> float:
        rows = rows_of([f'{{"type":"Future","application":"a","n":{n}}}' for n in range(count)])
        begun = process_time()
        rows_to_table(rows, EVERYTHING, Drift())
        return process_time() - begun

    few, many = (min(seconds(count) for _ in range(3)) for count in (4_000, 32_000))
    assert many < 20 * few


MUTATIONS = [
    lambda frame, rng: frame.replace('"', "", 1),
    lambda frame, rng: frame[: rng.randrange(len(frame))],
    lambda frame, rng: frame + "{}",
    lambda frame, rng: frame + frame,
    lambda frame, rng: " " + frame,
    lambda frame, rng: frame.replace(",", ",\n", 1),
    lambda frame, rng: "}" + frame,
    lambda frame, rng: frame[:-1],
    lambda frame, rng: frame.replace('"type":', '"type" :', 1),
    lambda frame, rng: frame.replace('{"', '{"extra_field":1,"', rng.randrange(1, 4)),
    lambda frame, rng: frame.replace('{"', '{"type":"Dial","', 1),
    lambda frame, rng: frame.replace('"name":"', '"name":"\\ud800', 1),
    lambda frame, rng: frame.replace('"priority":', '"priority":9999999999999999999', 1),
    lambda frame, rng: frame.replace('"priority":', '"priority":1.', 1),
    lambda frame, rng: frame.replace('"priority":', '"priority":-', 1),
    lambda frame, rng: frame.replace("+0000", "", 1),
    lambda frame, rng: frame.replace("+0000", "Z", 1),
    lambda frame, rng: frame.replace("+0000", "123+0000", 1),
    lambda frame, rng: frame.replace("2026-11", "2026-13", 1),
    lambda frame, rng: frame.replace("2026-11-2", "2026-02-3", 1),
    lambda frame, rng: frame.replace("T2", "T3", 1),
    lambda frame, rng: frame.replace('"channelvars":{', '"channelvars":{"a":"b","a":"c",', 1),
    lambda frame, rng: frame.replace('"channelvars":{', '"channelvars":{"a":{"b":[1.50]},', 1),
    lambda frame, rng: frame.replace('"channelvars":{', '"channelvars":{"é\\u00e9\\"":"\\/",', 1),
    lambda frame, rng: frame.replace('"channelvars":{', '"channelvars":"{}","other":{', 1),
    lambda frame, rng: frame.replace('"channelvars":{', '"channelvars":null,"channelvars":{', 1),
    lambda frame, rng: frame.replace('"channel":{', '"channel":null,"channel2":{', 1),
    lambda frame, rng: frame.replace('"channels":["', '"channels":[null,"', 1),
    lambda frame, rng: frame.replace('"caller":{', '"caller":"x","caller2":{', 1),
    lambda frame, rng: frame.replace('"number":"', '"number":null,"n":"', 1),
    lambda frame, rng: frame.replace('"state":"', '"state":"\\u0000', 1),
    lambda frame, rng: frame.replace('"asterisk_id":"', '"asterisk_id":"x\u2028\x7f', 1),
]


@examples(60)
@given(st.integers(0, 2**32))
def test_both_ways_agree_on_damaged_frames(frames: list[str], seed: int) -> None:
    """Frames broken in every way a hostile or future Asterisk might, among whole ones."""
    rng = random.Random(seed)
    some = rng.sample(frames, 60)
    for index in rng.sample(range(60), 12):
        some[index] = rng.choice(MUTATIONS)(some[index], rng)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(residuals, "_SELDOM", rng.choice([1, 3, 10, 128]))  # columns set between nulls: all, some, none
        quick, exact = both_ways(some, patch)

    for name in EVERYTHING.names:
        assert quick[name].equals(exact[name]), name
    assert quick["raw"].to_pylist() == some


def test_two_broken_frames_do_not_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves that would join, and two objects in one frame, stay what they are: not JSON."""
    whole = '{"type":"ApplicationReplaced","application":"a"}'
    broken = [
        whole + whole,
        '{"type":"ApplicationReplaced"',
        '}{"type":"ApplicationReplaced"}',
        '{"type":"ApplicationReplaced",{}',
    ]
    frames = [whole] * 40 + broken + [whole] * 40
    quick, exact = both_ways(frames, monkeypatch)

    assert quick.equals(exact)
    assert quick["type"].null_count == len(broken)


def test_a_schema_too_small_is_said() -> None:
    """Names what is missing, so that the seal can begin again."""
    with pytest.raises(UnforeseenColumns) as caught:
        rows_to_table(rows_of(['{"type":"ChannelDtmfReceived","digit":"5"}']), session_schema(["Dial"]), Drift())

    assert "ChannelDtmfReceived" in caught.value.names


@pytest.mark.parametrize("event_type", event_types())
def test_a_session_has_the_columns_of_its_types(event_type: str) -> None:
    """Those and no others."""
    fixed = session_schema([]).names

    assert set(session_schema([event_type]).names) - set(fixed) == {c.name for c in columns_of(event_type)}
