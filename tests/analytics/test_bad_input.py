"""Whatever a recording holds, models of calls are right or NULL: no error, keys that are keys, no negative length."""

import json
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from arirecord.analytics import connect
from arirecord.analytics.models import describe
from tests.conftest import read_lines, streams
from tests.examples import examples

from .test_cases import frames_of
from .test_cases import given as session_of
from .test_models import make
from .test_shards import OF_CALLS

pytestmark = pytest.mark.slow

REAL = [
    orjson.loads(line)["frame"]
    for name in ("busy_noanswer_cancel/all", "blind_transfer/app", "attended_transfer/all", "hold_unhold/all")
    for line in read_lines(streams()[name])
][:2500]
ONE_OF_EACH = (Path(__file__).parents[1] / "frames.jsonl").read_text().splitlines()
READ = (
    "BridgeAttendedTransfer", "BridgeBlindTransfer", "ChannelCreated", "ChannelDestroyed", "ChannelDialplan",
    "ChannelEnteredBridge", "ChannelHangupRequest", "ChannelHold", "ChannelLeftBridge", "ChannelStateChange",
    "ChannelTransfer", "ChannelUnhold", "ChannelVarset", "Dial", "DeviceStateChanged", "RESTResponse", "StasisStart",
)  # fmt: skip
STRANGE = [
    "{}",
    "[]",
    "not JSON",
    '{"type":"Tomorrow","channel":{"id":"x"}}',
    '{"type":"Dial","dialstatus":"ANSWER"}',
    '{"type":"Dial","peer":{"id":"1"},"caller":{"id":"1"},"dialstatus":"RINGING"}',
    '{"type":"ChannelEnteredBridge","channel":{"id":"a"},"bridge":{"id":"b"}}',
    '{"type":"ChannelLeftBridge","channel":{"id":"a"},"bridge":{"id":"b","channels":null}}',
    '{"type":"BridgeAttendedTransfer"}',
    '{"type":"ChannelDestroyed","channel":{"id":"a","channelvars":"no object"},"cause":"x"}',
    '{"type":"ChannelHold"}',
    '{"type":"ChannelTransfer"}',
    '{"type":"ChannelVarset","variable":"QUEUESTATUS","value":"FULL"}',
    '{"type":"ChannelDialplan","channel":{"id":"a"},"dialplan_app":"Queue"}',
]


@st.composite
def damaged(draw: st.DrawFn) -> list[str]:
    """Real frames: a part of a recording, some left out, sent twice or later, ids given twice, strange ones between."""
    begin = draw(st.integers(0, len(REAL) - 1))
    frames = REAL[begin : begin + draw(st.integers(1, 400))]
    kept = draw(st.lists(st.integers(0, 9), min_size=len(frames), max_size=len(frames)))
    frames = [frame for frame, chance in zip(frames, kept, strict=True) for _ in range((chance > 0) + (chance == 9))]
    for place in draw(st.lists(st.integers(0, max(len(frames) - 1, 0)), max_size=10)):
        if frames:
            frames.insert(draw(st.integers(0, len(frames) - 1)), frames.pop(place))
    for frame in draw(st.lists(st.sampled_from(STRANGE + ONE_OF_EACH), max_size=10)):
        frames.insert(draw(st.integers(0, len(frames))), frame)
    return frames


@given(damaged())
@example(["{}", REAL[-1], REAL[0]])  # the first event has no time of its own, and later ones go back
@examples(8, suppress_health_check=list(HealthCheck))
def test_damaged_recordings(tmp_path_factory: pytest.TempPathFactory, frames: list[str]) -> None:
    """No model of calls fails, and each row is identified as the model says."""
    con = connect(make(tmp_path_factory.mktemp("damaged") / "session.parquet", frames), models=OF_CALLS)
    check_keys(con)


@pytest.mark.parametrize(
    "frame",
    [frame for frame in ONE_OF_EACH if orjson.loads(frame)["type"] in READ],
    ids=lambda frame: json.loads(frame)["type"],
)
def test_one_event_only(frame: str, tmp_path: Path) -> None:
    """A recording of a single event of any type says what it can."""
    check_keys(connect(make(tmp_path / "session.parquet", [frame]), models=OF_CALLS))


@pytest.mark.parametrize("left_out", [2, 3, 7])
def test_frames_left_out(left_out: int, tmp_path: Path) -> None:
    """With every second, third or seventh frame lost no length is negative and nobody talks before he answers."""
    frames = [frame for place, frame in enumerate(REAL) if place % left_out]
    con = connect(make(tmp_path / "session.parquet", frames), models=OF_CALLS)
    check_keys(con)
    for mart, lengths in {
        "calls": "setup_s, pdd_s, ring_s, duration_s, billsec, talk_s, hold_s, wait_s",
        "legs": "ring_s, up_s, bridged_s, holding_s",
        "dial_attempts": "pdd_s, ring_s, duration_s",
        "bridge_stays": "duration_s",
        "channel_states": "duration_s",
        "holds": "hold_s",
        "queue_calls": "wait_s",
        "transfers": "answer_s, consultation_s",
    }.items():
        # Asterisk's clocks of two channels can differ by 34 ms in order.
        assert con.execute(f"FROM {mart} WHERE least({lengths}) < -0.034").fetchall() == [], mart


def test_a_second_recording_of_the_same(tmp_path: Path) -> None:
    """All frames twice, as two subscriptions send them, say what they say once."""
    once = connect(make(tmp_path / "once.parquet", REAL), models=OF_CALLS)
    twice = connect(make(tmp_path / "twice.parquet", [f for frame in REAL for f in (frame, frame)]), models=OF_CALLS)
    for mart in OF_CALLS:
        query = f"SELECT COLUMNS(lambda c: c NOT LIKE '%seq') FROM {mart} ORDER BY ALL"
        assert once.execute(query).fetchall() == twice.execute(query).fetchall(), mart


def test_a_gap_makes_incomplete(tmp_path: Path) -> None:
    """A gap amid calls: what spans it is not complete, what came before and after is."""
    gap = json.dumps({"type": "gap", "connection_lost_since": "2026-11-23T23:00:10.000+0000"})
    session_of([*REAL[:700], gap, *REAL[700:]], tmp_path / "session.parquet", "calls")
    con = connect(tmp_path / "session.parquet", models=OF_CALLS)
    for mart in ("calls", "legs"):
        spanning = con.execute(f"SELECT is_complete FROM {mart} WHERE 700 BETWEEN first_seq AND last_seq").fetchall()
        assert spanning
        assert set(spanning) == {(False,)}
        assert con.execute(f"SELECT count(*) FROM {mart} WHERE is_complete").fetchall() != [(0,)]


def test_a_large_conference(tmp_path: Path) -> None:
    """Three hundred in one room are one call with as many links as entries, not as many as there are pairs."""
    names = [f"c{number}" for number in range(300)]
    frames = [told("ChannelCreated", name, "Ring", None, []) for name in names]
    frames += [told("ChannelStateChange", name, "Up", None, []) for name in names]
    frames += [told("ChannelEnteredBridge", name, "Up", "room", names[: n + 1]) for n, name in enumerate(names)]
    frames += [told("ChannelLeftBridge", name, "Up", "room", names[n + 1 :]) for n, name in enumerate(names)]
    frames += [told("ChannelDestroyed", name, "Up", None, []) for name in names]
    con = connect(make(tmp_path / "session.parquet", frames), models=OF_CALLS)
    assert con.execute("SELECT channel_count, is_complete FROM calls").fetchall() == [(300, True)]
    assert con.execute("SELECT channel_count, len(channel_ids) FROM conversations").fetchall() == [(300, 16)]
    [(links,)] = con.execute("SELECT count(*) FROM links").fetchall()
    assert links < 3 * len(names)


def test_the_second_use_of_an_id(tmp_path: Path) -> None:
    """An app gives an id a second time, when the first channel is gone: each is a call of its own."""
    frames = []
    for second in (1, 5):
        frames += [
            told("ChannelCreated", "mine", "Ring", None, [], second),
            told("ChannelStateChange", "mine", "Up", None, [], second + 1),
            told("ChannelDestroyed", "mine", "Up", None, [], second + 2),
        ]
    con = connect(make(tmp_path / "session.parquet", frames), models=OF_CALLS)
    assert con.execute("SELECT duration_s, billsec, is_complete FROM calls").fetchall() == [(2, 1, True)] * 2


def told(event_type: str, channel: str, state: str, bridge: str | None, members: list[str], second: int = 0) -> str:
    """A frame as Asterisk sends it, short."""
    event: dict[str, Any] = {"type": event_type, "timestamp": f"2026-01-01T10:00:{second:02}.000+0000"}
    if event_type == "ChannelDestroyed":
        event |= {"cause": 16, "cause_txt": "Normal Clearing"}
    if bridge:
        event["bridge"] = {"id": bridge, "bridge_type": "mixing", "bridge_class": "base", "channels": members}
    event["channel"] = {"id": channel, "name": f"PJSIP/{channel}-00000001", "state": state}
    return json.dumps(event)


def check_keys(con: duckdb.DuckDBPyConnection) -> None:
    for mart in OF_CALLS:
        key = ", ".join(describe(mart).key)
        count, keys = con.execute(f"SELECT count(*), count(DISTINCT ({key})) FROM {mart}").fetchall()[0]
        assert count == keys, mart


@examples(20, suppress_health_check=list(HealthCheck))
@given(order=st.permutations(range(15)))
def test_events_in_any_order(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A call whose events came in another order is complete only if its parties and its talk are right."""
    frames = frames_of(Path(__file__).parent / "cases" / "calls" / "in_order_of_its_events")
    assert len(frames) == len(order)
    con = session_of([frames[place] for place in order], tmp_path_factory.mktemp("order") / "s.parquet", "calls")

    calls = con.execute("SELECT caller_number, called_number, talk_s FROM calls WHERE is_complete").fetchall()

    assert calls in ([], [("1001", "1002", 10.0)])


def test_thousands_of_event_types(tmp_path: Path) -> None:
    """An invented type each: the filter of a type names all larger ones, so that it has a limit."""
    frames = [f'{{"type":"Type{n:04d}","application":"a","padding":"{"x" * n}"}}' for n in range(3000)]
    with connect(make(tmp_path / "s.parquet", frames)) as db:
        ((count, filters, longest, events),) = db.sql("""
            SELECT count(*), count(event_filter), max(length(event_filter)), sum(event_count) FROM event_volume
        """).fetchall()

    assert (count, filters, events) == (3000, 1000, 3000)
    assert longest < 30_000
