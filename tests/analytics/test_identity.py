"""A thing is one server's, and lives once: equal ids of servers, ids used again, gaps of one server."""

import base64
import random
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from arirecord.analytics import connect
from arirecord.analytics.models import describe, load_models
from arirecord.report.call_data import MODELS, read_facts
from arirecord.report.ladder_pack import ladders_of
from arirecord.report.search import worst_calls
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.seal import seal
from arirecord.transform.merge import merge_sessions
from tests.conftest import read_lines, streams
from tests.given import frames as given

A, B = "02:fc:00:00:00:01", "02:fc:00:00:00:02"
OF_A_SERVER = sorted(model.name for model in load_models() if model.layer == "marts" and model.is_of_server)
TABLES = ("calls", "legs", "dial_attempts", "bridge_stays", "links", "playbacks", "recordings", "digits", "hangups")
"""Tables that together show channels, bridges, playbacks and recordings."""


def frames_of(stream: str, server: str = A) -> list[tuple[int, str]]:
    """Times of receipt and texts of a recorded stream, as another server would have sent it."""
    lines = [orjson.loads(line) for line in read_lines(streams()[stream])]
    return [(line["t"], line["frame"].replace(A, server)) for line in lines]


def record(target: Path, frames: Iterable[tuple[int, str]]) -> Path:
    """A session of frames by time of receipt; a frame "gap" is a gap."""
    timed = sorted(frames, key=lambda frame: frame[0])
    started_ns = timed[0][0]
    writer = JournalWriter(journal_path(target), started_ns, {"verb": "import"})
    writer.write(
        (t, t - started_ns, "connection", '{"type":"gap"}') if text == "gap" else (t, t - started_ns, "event", text)
        for t, text in timed
    )
    writer.close()
    seal(journal_path(target), target)
    return target


def rows(connection: duckdb.DuckDBPyConnection, table: str, where: str = "true") -> list[tuple[Any, ...]]:
    """The rows of a table, but for the positions in the recording."""
    found = connection.execute(f"SELECT COLUMNS(lambda c: c NOT LIKE '%seq') FROM {table} WHERE {where}").fetchall()
    return sorted(found, key=repr)


@pytest.mark.slow
@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "file"])
@pytest.mark.parametrize(("stream", "count"), [("ivr_dtmf/all", 12), ("busy_noanswer_cancel/all", 54)])
def test_equal_ids_of_two_servers_are_two_things(stream: str, count: int, is_folder: bool, tmp_path: Path) -> None:
    """The tables are the union of the tables of each server, in a folder of files and in one file."""
    for server, name in ((A, "a"), (B, "b")):
        (tmp_path / name).mkdir()
        record(tmp_path / name / f"{name}.parquet", frames_of(stream, server))
    both = tmp_path / "both"
    both.mkdir()
    if is_folder:
        for name in "ab":
            (both / f"{name}.parquet").hardlink_to(tmp_path / name / f"{name}.parquet")
    else:
        record(both / "ab.parquet", [*frames_of(stream, A), *frames_of(stream, B)])
    together, *alone = (connect(path) for path in (both, tmp_path / "a", tmp_path / "b"))
    assert together.execute("SELECT count(*), count(DISTINCT server) FROM calls").fetchall() == [(count, 2)]
    for table in OF_A_SERVER:
        expected = sorted((row for each in alone for row in rows(each, table)), key=repr)
        assert rows(together, table) == expected, table
        key = ", ".join(describe(table).key)
        assert together.execute(f"SELECT count(*) = count(DISTINCT ({key})) FROM {table}").fetchall() == [(True,)], (
            table
        )
    assert together.execute("SELECT call_count FROM kpis").fetchall() == [(count,)]
    of_servers = together.execute("SELECT group_value, call_count FROM kpis(\"by\" := 'server')").fetchall()
    assert of_servers == [(A, count // 2), (B, count // 2)]


def test_a_wait_of_a_local_channel_is_of_its_server(tmp_path: Path) -> None:
    """No leg of the KPIs says so."""
    lines = f"""at 2026-01-01T10:00:00 with asterisk_id={A}
0.0 p created PJSIP/1-00000001 Ring 1 → 232
0.0 a created Local/q@x-00000001;1 Down
0.0 b created Local/q@x-00000001;2 Ring '' → 232
0.0 p dials a
0.1 b runs Queue line,tT,,,1
9.0 b hangs up 16
9.0 b destroyed 16
9.0 a destroyed 16
9.0 p destroyed 16
"""
    con = connect(record(tmp_path / "s.parquet", enumerate(given(lines))))

    assert con.execute("SELECT server, count(*) FROM queue_calls GROUP BY ALL").fetchall() == [(A, 1)]
    of_servers = con.execute("SELECT group_value, queue_entry_count FROM kpis(\"by\" := 'server')").fetchall()
    assert of_servers == [(A, 1)]


@pytest.mark.slow
@pytest.mark.parametrize(("is_stopped", "is_folder"), [(False, True), (False, False), (True, False)])
def test_a_gap_of_one_server_changes_no_row_of_another(is_stopped: bool, is_folder: bool, tmp_path: Path) -> None:
    """Nor does the presence of the other; a connection of B was lost, or its recorder stopped and was started again."""
    frames = frames_of("ivr_dtmf/all", B)
    middle = frames[len(frames) // 2][0]
    first, second = frames[: len(frames) // 3], frames[len(frames) // 2 :]
    (tmp_path / "both").mkdir()
    (tmp_path / "b").mkdir()
    a = record(tmp_path / "both" / "a.parquet", frames_of("ivr_dtmf/all", A))
    if is_stopped:
        b = [record(tmp_path / "b" / "1.parquet", first), record(tmp_path / "b" / "2.parquet", second)]
    else:
        b = [record(tmp_path / "b" / "1.parquet", [*first, (middle, "gap"), *second])]
    both = tmp_path / "both"
    for path in b if is_folder else ():
        (both / f"b{path.name}").hardlink_to(path)
    if not is_folder:
        both = tmp_path / "merged.parquet"
        merge_sessions([open_session(path) for path in (a, tmp_path / "b")], both)
    together, *alone = (connect(path, models=TABLES) for path in (both, a, tmp_path / "b"))
    assert together.execute("SELECT bool_and(is_complete) FROM calls WHERE server = ?", [B]).fetchall() == [(False,)]
    for table in TABLES:
        for server, own in zip((A, B), alone, strict=True):
            assert rows(together, table, f"server = '{server}'") == rows(own, table), (table, server)


@pytest.mark.slow
def test_the_order_of_arrival_across_servers_changes_nothing(tmp_path: Path) -> None:
    """Frames of each server stay in order; how those of both are mixed does not matter."""
    queues = {server: [text for _, text in frames_of("ivr_dtmf/all", server)] for server in (A, B)}
    found = []
    for seed in range(3):
        chance = random.Random(seed)
        left = {server: list(reversed(texts)) for server, texts in queues.items()}
        mixed = []
        while any(left.values()):
            mixed.append(left[chance.choice([server for server in left if left[server]])].pop())
        # All at one time: rows stay in the order given.
        path = record(tmp_path / f"{seed}.parquet", [(10**18, text) for text in mixed])
        connection = connect(path, models=TABLES)
        found.append({table: rows(connection, table) for table in TABLES})
    assert found[0] == found[1] == found[2]


def channel(life: int, second: int, kind: str, **more: Any) -> str:
    """An event of a channel whose id `agent` is used again; `life` shows in its name and creation time."""
    snapshot = {
        "id": more.pop("channel_id", "agent"),
        "name": f"PJSIP/agent-{life:08x}",
        "state": more.pop("state", "Up"),
        "caller": {"name": "", "number": "1001"},
        "connected": {"name": "", "number": ""},
        "dialplan": {"context": "in", "exten": "300", "priority": 1},
        "creationtime": moment(life * 100),
    }
    return orjson.dumps(
        {"type": kind, "timestamp": moment(second), "application": "a", "asterisk_id": A, "channel": snapshot, **more}
    ).decode()


def moment(second: int) -> str:
    return f"2026-01-01T10:{second // 60:02}:{second % 60:02}.000+0000"


def created_and_destroyed(life: int) -> list[str]:
    begin = life * 100
    return [
        channel(life, begin, "ChannelCreated", state="Ring"),
        channel(life, begin + 1, "ChannelStateChange"),
        channel(life, begin + 20 + life, "ChannelDestroyed", cause=16, cause_txt="Normal Clearing"),
    ]


def seen_by_its_app(life: int) -> list[str]:
    begin = life * 100
    return [
        channel(life, begin, "StasisStart", args=[]),
        channel(life, begin + 20, "ChannelHangupRequest", cause=16),
        channel(life, begin + 20 + life, "StasisEnd"),
    ]


def cut_off_by_a_restart(life: int) -> list[str]:
    return created_and_destroyed(life)[:2]


@pytest.mark.slow
@pytest.mark.parametrize("of_life", [created_and_destroyed, seen_by_its_app, cut_off_by_a_restart])
def test_an_id_used_again_is_another_channel(of_life: Callable[[int], list[str]], tmp_path: Path) -> None:
    """Each life has a call, and the ids are shown as Asterisk gave them."""
    texts = [text for life in range(3) for text in of_life(life)]
    connection = connect(record(tmp_path / "s.parquet", [(10**18 + n, text) for n, text in enumerate(texts)]))
    calls = connection.execute("SELECT call_id, first_channel_id FROM calls ORDER BY first_seq").fetchall()
    assert calls == [("agent", "agent"), ("agent#2", "agent"), ("agent#3", "agent")]
    legs = connection.execute("SELECT channel_id, call_id, channel_name FROM legs ORDER BY first_seq").fetchall()
    assert legs == [("agent", call, f"PJSIP/agent-{n:08x}") for n, (call, _) in enumerate(calls)]
    assert connection.execute("SELECT call_count, concurrent_peak_count FROM kpis").fetchall() in ([(3, 1)], [(3, 3)])


def numbered(number: int, second: int, kind: str, **more: Any) -> str:
    """An event of a channel with an id of Asterisk's own, made when the minute began."""
    begin = second // 60 * 60
    event = orjson.loads(channel(0, second, kind, channel_id=f"{1_767_261_600 + begin}.{number}", **more))
    event["channel"] |= {"name": f"PJSIP/agent-{number:08x}", "creationtime": moment(begin)}
    return orjson.dumps(event).decode()


@pytest.mark.parametrize("first_seen", ["ChannelCreated", "StasisStart"])
def test_a_restart_ends_all_channels(first_seen: str, tmp_path: Path) -> None:
    """The numbers of ids begin again: the call before is over, and its end is not known."""
    texts = [
        numbered(100, 0, first_seen, state="Ring"),
        numbered(100, 2, "ChannelStateChange"),
        numbered(0, 60, first_seen, state="Ring"),
        numbered(1, 61, first_seen, state="Ring"),
        numbered(0, 90, "ChannelDestroyed", cause=16),
        numbered(1, 91, "ChannelDestroyed", cause=16),
    ]
    seconds = (0, 2, 60, 61, 90, 91)
    frames = [((1_767_261_600 + second) * 10**9, text) for second, text in zip(seconds, texts, strict=True)]
    connection = connect(record(tmp_path / "s.parquet", frames), models=["calls", "kpis"])
    ends = connection.execute("SELECT ended_at::VARCHAR, is_complete FROM calls ORDER BY first_seq").fetchall()
    is_whole = first_seen == "ChannelCreated"
    assert ends == [(None, False), ("2026-01-01 10:01:30", is_whole), ("2026-01-01 10:01:31", is_whole)]
    assert connection.execute("SELECT concurrent_peak_count FROM kpis").fetchall() == [(2,)]


def test_a_channel_that_goes_on_was_not_ended_by_a_restart(tmp_path: Path) -> None:
    """Two Asterisks without ids write into one stream: the numbers of one are not those of the other."""
    texts = [
        numbered(100, 0, "ChannelCreated", state="Ring"),
        numbered(0, 60, "ChannelCreated", state="Ring"),
        numbered(0, 61, "ChannelDestroyed", cause=16),
        numbered(100, 30, "ChannelDestroyed", cause=16),
    ]
    path = record(tmp_path / "s.parquet", [(10**18 + n, text) for n, text in enumerate(texts)])
    assert connect(path, models=["calls"]).execute("SELECT is_complete FROM calls").fetchall() == [(True,)] * 2


@pytest.mark.slow
def test_a_recording_belongs_to_the_call_of_its_bridge_then(tmp_path: Path) -> None:
    """The bridge `room` and the recording `rec` of the second call have the ids of those of the first."""
    texts = []
    for life in (0, 1):
        begin = life * 100
        own = {"channel_id": f"caller-{life}", "state": "Up"}
        bridge = {
            "id": "room", "technology": "simple_bridge", "bridge_type": "mixing", "bridge_class": "stasis",
            "creator": "Stasis", "name": "", "channels": [f"caller-{life}"], "creationtime": moment(begin + 1),
        }  # fmt: skip
        common = {"timestamp": moment(begin + 1), "application": "a", "asterisk_id": A}
        recording = {"name": "rec", "format": "wav", "target_uri": "bridge:room"}
        texts += [
            channel(life, begin, "ChannelCreated", channel_id=f"caller-{life}", state="Ring"),
            orjson.dumps({"type": "BridgeCreated", **common, "bridge": {**bridge, "channels": []}}).decode(),
            orjson.dumps(
                {"type": "RecordingStarted", **common, "recording": {**recording, "state": "recording"}}
            ).decode(),
            channel(life, begin + 2, "ChannelEnteredBridge", bridge=bridge, **own),
            orjson.dumps({
                "type": "RecordingFinished", **common, "timestamp": moment(begin + 9),
                "recording": {**recording, "state": "done"},
            }).decode(),
            channel(life, begin + 10, "ChannelLeftBridge", bridge={**bridge, "channels": []}, **own),
            channel(life, begin + 10, "ChannelDestroyed", channel_id=f"caller-{life}", cause=16),
        ]  # fmt: skip
    connection = connect(record(tmp_path / "s.parquet", [(10**18 + n, text) for n, text in enumerate(texts)]))
    found = connection.execute("SELECT call_id, bridge_id, duration_s FROM recordings ORDER BY first_seq").fetchall()
    assert found == [("caller-0", "room", 8), ("caller-1", "room", 8)]


@pytest.mark.parametrize(
    "spelling", ["CHANNEL(linkedid)", "CHANNEL(LINKEDID)", "CHANNEL(LinkedID)", "CHANNEL( linkedid )"]
)
def test_linkedid_in_any_spelling(spelling: str, tmp_path: Path) -> None:
    """Asterisk does not care about the case."""
    event = orjson.loads(channel(0, 0, "ChannelCreated"))
    event["channel"]["channelvars"] = {spelling: "earlier.1"}
    connection = connect(record(tmp_path / "s.parquet", [(10**18, orjson.dumps(event).decode())]), models=["legs"])
    assert connection.execute("SELECT call_id FROM legs").fetchall() == [("earlier.1",)]


@pytest.mark.slow
def test_the_events_of_a_call_are_of_its_server(tmp_path: Path) -> None:
    """Calls of two servers with one id have a story each."""
    texts = [text.replace(A, server) for text in created_and_destroyed(0) for server in (A, B)]
    path = record(tmp_path / "s.parquet", [(10**18 + n, text) for n, text in enumerate(texts)])
    connection = connect(path, models=MODELS)
    for server in (A, B):
        events = read_facts(connection, "agent", server).events
        assert [event.data["asterisk_id"] for event in events] == [server] * 3


@pytest.mark.slow
def test_a_problem_is_of_a_call_of_its_server(tmp_path: Path) -> None:
    """Of two servers with a call of one id, only that whose call went wrong has a call with a problem."""
    texts = [
        text.replace('"cause":16', '"cause":34') if server == A else text.replace(A, B)
        for text in created_and_destroyed(0)
        for server in (A, B)
    ]
    path = record(tmp_path / "s.parquet", [(10**18 + n, text) for n, text in enumerate(texts)])
    assert [call.server for call in worst_calls(connect(path, models=MODELS))] == [A]


@pytest.mark.slow
def test_a_report_has_the_ladder_of_each_server(tmp_path: Path) -> None:
    """Calls of two servers with one id have names with their servers, and ladders of their own."""
    texts = [
        text.replace("PJSIP/agent", "PJSIP/other").replace(A, B) if server == B else text
        for text in created_and_destroyed(0)
        for server in (A, B)
    ]
    path = record(tmp_path / "s.parquet", [(10**18 + n, text) for n, text in enumerate(texts)])
    ladders = ladders_of(connect(path, models=MODELS), 10, lambda count: None)
    names = {"PJSIP/agent": f"agent on {A}", "PJSIP/other": f"agent on {B}"}
    assert ladders.pack_of.keys() == set(names.values())
    for endpoint, name in names.items():
        sections = orjson.loads(zlib.decompress(base64.b64decode(ladders.packs[ladders.pack_of[name]])))
        assert [other for other in names if other in sections[name]] == [endpoint]


@pytest.mark.slow
def test_an_event_that_two_connections_received_counts_once(tmp_path: Path) -> None:
    """The second copies arrive later, and for another application."""
    frames = frames_of("ivr_dtmf/all")
    frames = [(frames[0][0] + n * 1000, text) for n, (_, text) in enumerate(frames)]
    copies = [(t + 40_001, text.replace('"application":"', '"application":"other-')) for t, text in frames]
    tables = (*TABLES, "findings", "dtmf", "transfers")
    once = connect(record(tmp_path / "once.parquet", frames), models=tables)
    twice = connect(record(tmp_path / "twice.parquet", [*frames, *copies]), models=tables)
    assert twice.execute("SELECT count(*) FROM events").fetchall() == [(2 * len(frames),)]
    for table in tables:
        assert rows(twice, table) == rows(once, table), table
