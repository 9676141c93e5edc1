"""A response keeps the place among the events that it has in the recording."""

import json
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.replay import events
from arirecord.replay.options import ReplayOptions
from arirecord.replay.rest.exchange_reader import read_recorded
from arirecord.replay.rest.recorded_exchanges import RecordedExchange, RecordedRest
from arirecord.replay.server import ReplayServer
from arirecord.select.times import Position
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import Frame, open_session
from arirecord.session.rows import body_fields, own_text
from arirecord.session.seal import seal
from tests.conftest import CAPTURES

from .support import client, run
from .world import START_NS, Listener, S, World, command_at, event

ANSWER = "/channels/c/answer"
RING = "/channels/c/ring"
CALLS = [(1, "c"), (2, "d")]
ROOM = {"id": "room"}


def course(world: World) -> list[Any]:
    """The numbers of the events that were sent, and the paths of the requests that were answered, in order."""
    found: list[Any] = []
    for command in world.log:
        if isinstance(command, events.Send):
            found += [json.loads(payload)["n"] for payload in command.payloads]
        elif isinstance(command, events.Respond) and command.request is not None:
            found.append(command.request.path)
    return found


def recorded(*exchanges: RecordedExchange) -> RecordedRest:
    return RecordedRest(applications=["app"], exchanges=list(exchanges))


Seed = list[tuple[int, int | None]]
SEEDS: st.SearchStrategy[Seed] = st.lists(st.tuples(st.integers(2, 400), st.none() | st.integers(0, 3)), max_size=12)


class Recording:
    """An event, then a row for each `(gap, rows)` of a seed: an event, or an exchange whose request is that many rows
    older than its response. `order` is the course.
    """

    def __init__(self, seed: Seed) -> None:
        self.frames = [event(0, 0)]
        self.order: list[Any] = [0]
        self.exchanges: list[RecordedExchange] = []
        times_ms = list(accumulate((gap for gap, _ in seed), initial=0))
        for seq, ((_, rows_before), at_ms) in enumerate(zip(seed, times_ms[1:], strict=True), 1):
            if rows_before is None:
                self.frames.append(event(seq, at_ms * S // 1000))
                self.order.append(seq)
            else:
                begun_ms = times_ms[max(0, seq - 1 - rows_before)] + 1
                uri = f"/channels/c{seq}/ring"
                self.exchanges.append(command_at(at_ms / 1000, f"/ari{uri}", (at_ms - begun_ms) / 1000, seq))
                self.order.append(uri)
        self.exchanges.sort(key=lambda one: one.begun_ns)


@given(SEEDS, st.sampled_from([1, 10]))
def test_a_client_with_recorded_timing_gets_events_and_responses_in_the_recorded_order(seed: Seed, speed: int) -> None:
    recording = Recording(seed)
    world = World(recording.frames, recorded(*recording.exchanges), speed=speed)
    world.connect()
    world.run()
    for exchange in recording.exchanges:
        world.pass_s((exchange.begun_ns - START_NS - world.clock.position_ns()) / S / speed)
        world.ask("POST", exchange.uri.removeprefix("/ari"))
    for _ in range(20):
        world.pass_s(0.4)

    assert course(world) == recording.order


@given(SEEDS, st.sampled_from([1, 10, None]))
def test_a_client_that_is_waited_for_gets_them_in_the_recorded_order(seed: Seed, speed: int | None) -> None:
    recording = Recording(seed)
    rest = recorded(*recording.exchanges)
    world = World(recording.frames, rest, speed=speed, pace="client", pace_settle_s=0)
    world.connect()
    world.run()
    for exchange in recording.exchanges:
        ahead_ns = exchange.begun_ns - START_NS - world.clock.position_ns()
        world.pass_s(0 if speed is None else max(0, ahead_ns) / S / speed)
        world.ask("POST", exchange.uri.removeprefix("/ari"))
        world.run()
    for _ in range(20):
        world.pass_s(0.4)

    assert course(world) == recording.order


REAL = [
    *Path(__file__).parent.glob("recordings/*.parquet"),
    Path(__file__).parents[2] / "sample_data/voice_agent.parquet",
]
WIDER = [path for folder in CAPTURES for path in folder.rglob("*.parquet")]


@pytest.mark.parametrize(
    ("pace", "speed"), [("clock", 1), ("clock", 10), ("client", 1), ("client", 10), ("client", None)]
)
@pytest.mark.parametrize("path", [*REAL, *WIDER], ids=lambda path: str(path.stem))
def test_the_recorded_app_gets_what_it_got(path: Path, pace: str, speed: int | None) -> None:
    """A client that does what the recorded app did, at its times, gets the same events and responses in one order."""
    session = open_session(path)
    rest, started_ns = read_recorded(session), session.header.started_ns
    frames = [frame for frame in session.frames() if frame.type != "RESTResponse"]
    rows = list(session.frames(kinds=("rest",)))
    settle: dict[str, Any] = {"pace_settle_s": 0} if pace == "client" else {}
    world = World(frames, rest, 500, started_ns, rows, speed=speed, pace=pace, **settle)
    apps = list(rest.applications)
    for app in apps:
        world.connect(app, [app], subscribe_all=app == "prober")
    world.run()
    sender: dict[events.RequestReceived, RecordedExchange] = {}
    for exchange in sorted(rest.exchanges, key=lambda one: one.begun_ns):
        ahead_ns = exchange.begun_ns - started_ns - world.clock.position_ns()
        world.pass_ns(0 if speed is None else max(0, ahead_ns) // speed)
        asked = events.RequestReceived(exchange.request, exchange.client)
        sender[asked] = exchange
        world.take(asked)
        world.run()
    world.pass_ns(session.header.duration_ns + 60 * S)

    for app in apps:
        # Of one of several apps nobody knows who sent some requests.
        own = [one for one in rest.exchanges if one.is_of([app]) and (one.application or len(apps) == 1)]
        expected: list[Any] = [((f.t_ns, f.seq), f.raw) for f in frames if f.application == app]
        expected += [(one.place, (one.request.target, one.status, one.body)) for one in own]
        received: list[Any] = []
        for command in world.log:
            match command:
                case events.Send(Listener(name), payloads) if name == app:
                    received += payloads
                case events.Respond(events.RequestReceived(request) as asked, response=response):
                    if sender[asked] in own:
                        received.append((request.target, response.status, response.content))
        assert received == [what for _, what in sorted(expected, key=itemgetter(0))]


def test_a_client_gets_the_recorded_time_for_what_the_app_did_before_the_first_event() -> None:
    """It creates the bridge for its first call; what was long before is over."""
    long_before = command_at(1, "/ari/bridges/a", 0.1, seq=0)
    rest = recorded(long_before, command_at(12, "/ari/bridges/b", 0.5, seq=1))
    texts = [
        own_text("rest", "POST", by="app", method="POST", uri=e.uri, duration_ns=e.duration_ns) for e in rest.exchanges
    ]
    rows = [
        Frame(e.seq, e.t_ns, e.t_ns - START_NS, "rest", None, None, text)
        for e, text in zip(rest.exchanges, texts, strict=True)
    ]
    world = World([event(2, 13 * S)], rest, rows=rows)
    world.connect()
    world.run()
    world.ask("POST", "/bridges/b")
    world.pass_s(1.4)
    assert course(world) == ["/bridges/b"]
    world.pass_s(0.2)
    assert course(world) == ["/bridges/b", 2]


@pytest.mark.parametrize("pace", ["clock", "client"])
def test_an_early_request_is_answered_after_the_events_before_its_response(pace: str) -> None:
    frames = [event(0, 0), event(1, S // 2), event(3, S)]
    world = World(frames, recorded(command_at(0.6, f"/ari{ANSWER}", 0.3, seq=2)), pace=pace)
    world.connect()
    world.run()
    world.ask("POST", ANSWER)
    world.run()
    assert course(world) == [0]

    world.pass_s(0.55)
    assert course(world) == [0, 1]
    world.pass_s(0.1)
    assert course(world) == [0, 1, ANSWER]
    world.pass_s(1)
    assert course(world) == [0, 1, ANSWER, 3]


def test_a_much_earlier_request_is_answered_at_once() -> None:
    """The app is not where the recorded one was: it must not wait for events that it does not expect."""
    world = World([event(0, 0), event(1, 10 * S)], recorded(command_at(9, f"/ari{ANSWER}", seq=2)))
    world.connect()
    world.run()
    world.ask("POST", ANSWER)

    assert course(world) == [0, ANSWER]


def test_a_late_request_is_answered_at_once() -> None:
    world = World([event(0, 0), event(2, S)], recorded(command_at(0.5, f"/ari{ANSWER}", seq=1)))
    world.connect()
    world.run()
    world.pass_s(2)
    world.ask("POST", ANSWER)

    assert course(world) == [0, 2, ANSWER]


def test_a_response_never_waits_longer_than_five_seconds() -> None:
    """An event far ahead must not hang an app."""
    frames = [event(0, 0), event(1, 30 * S), event(3, 40 * S)]
    world = World(frames, recorded(command_at(31, f"/ari{ANSWER}", 30.5, seq=2)))
    world.connect()
    world.run()
    world.pass_s(0.6)
    world.ask("POST", ANSWER)
    world.pass_s(4.9)
    assert course(world) == [0]
    world.pass_s(0.2)
    assert course(world) == [0, ANSWER]


def test_a_paused_replay_answers_at_once() -> None:
    world = World([event(0, 0), event(2, S)], recorded(command_at(0.5, f"/ari{ANSWER}", 0.4, seq=1)))
    world.connect()
    world.run()
    world.pass_s(0.2)
    world.ask("POST", ANSWER)
    assert course(world) == [0]
    world.take(events.Pause())

    assert course(world) == [0, ANSWER]


def test_an_app_that_sends_one_request_after_the_other_is_not_held_for_those_sent_together() -> None:
    """The recorded app sent the second request before it had the first response; this one waits for the response."""
    both = [command_at(1, f"/ari{RING}", 0.9, seq=1), command_at(0.8, f"/ari{ANSWER}", 0.5, seq=0)]
    world = World([event(5, 0), event(6, 2 * S)], recorded(*both), speed=None, pace="client", pace_settle_s=0)
    world.connect()
    world.run()
    world.ask("POST", RING)
    world.run()
    assert course(world) == [5]
    world.pass_s(0.6)
    assert course(world) == [5, RING]
    world.ask("POST", ANSWER)
    world.run()
    assert course(world) == [5, RING, ANSWER, 6]


def test_a_query_has_the_response_of_its_time_over_whichever_connection() -> None:
    """Clients with a pool send it over any connection: it is not that of the call which sent the last request there."""
    room = json.dumps(ROOM).encode()
    answers = [command_at(0.1 * n, f"/ari/channels/{c}/answer", seq=n)._replace(client=f"then:{n}") for n, c in CALLS]
    bridges = [
        command_at(at_s, "/ari/bridges", seq=number)._replace(method=method, status=200, body=body, client=client)
        for number, (at_s, method, body, client) in enumerate(
            [(0.3, "GET", b"[]", "then:1"), (0.4, "POST", room, "then:1"), (0.5, "GET", b"[%s]" % room, "then:2")], 3
        )
    ]
    world = World([event(0, 0), event(6, S)], recorded(*answers, *bridges), speed=None, pace="client", pace_settle_s=0)
    world.connect()
    world.run()
    for method, target, address in (
        *(("POST", f"/channels/{channel}/answer", f"now:{number}") for number, channel in CALLS),
        ("GET", "/bridges", "now:2"),
        ("POST", "/bridges", "now:1"),
        ("GET", "/bridges", "now:1"),
    ):
        world.ask(method, target, address=address)
        world.run()

    assert [json.loads(one.response.content) for one in world.of(events.Respond)[2:]] == [[], ROOM, [ROOM]]


def test_requests_over_a_websocket_are_answered_in_their_order() -> None:
    world = World([event(0, 0), event(2, S)], recorded(command_at(0.5, f"/ari{ANSWER}", 0.4, seq=1)))
    listener = world.connect()
    world.run()
    world.pass_s(0.2)
    for number, uri in enumerate([ANSWER, "/channels"]):
        method = "POST" if uri == ANSWER else "GET"
        request = {"type": "RESTRequest", "method": method, "uri": uri, "request_id": str(number)}
        world.take(events.MessageReceived(listener, json.dumps(request)))
    world.pass_s(2)

    assert [text.get("n", text.get("request_id")) for text in listener.texts] == [0, "0", "1", 2]


def test_a_request_after_a_seek_is_answered_by_the_new_position() -> None:
    """Also in the moment before the seek is carried out."""
    world = World([event(n, n * S, kind="StasisStart") for n in range(9)])
    world.connect()
    world.run()
    world.take(events.Seek(Position(START_NS + 5 * S)))
    world.ask("GET", "/channels")
    assert world.of(events.Respond) == []
    world.run()

    assert [type(c) for c in world.log if isinstance(c, events.SeekFrames | events.Respond)] == [
        events.SeekFrames,
        events.Respond,
    ]


STARTS = (
    '{"type": "StasisStart", "n": 9, "application": "app", "channel": {"id": "c", "name": "PJSIP/a-1", "state": "Up"}}'
)
SOUND = b"RIFF\xff\xfe\x00WAVE"


@pytest.fixture(scope="module")
def asked_first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app asks for the bridges, creates one, asks again; then its call comes; later it fetches a sound file."""

    def rest(method: str, uri: str, status: int, body: bytes, kind: str = "application/json") -> str:
        fields = {"method": method, "uri": f"/ari{uri}", "status": status, "answer_type": kind, "duration_ns": 1000}
        return own_text("rest", method, by="app", **fields, **body_fields("answer", body))

    bridge = b'{"id": "b1", "technology": "simple_bridge", "channels": []}'
    texts = [
        ("rest", rest("GET", "/bridges", 200, b"[]")),
        ("rest", rest("POST", "/bridges", 200, bridge)),
        ("rest", rest("GET", "/bridges", 200, b"[" + bridge + b"]")),
        ("event", STARTS),
        ("rest", rest("GET", "/recordings/stored/x/file", 200, SOUND, "audio/x-wav")),
    ]
    target = tmp_path_factory.mktemp("order") / "s.parquet"
    writer = JournalWriter(journal_path(target), START_NS, {"verb": "tap"})
    writer.write((START_NS + n * S, n * S, kind, raw) for n, (kind, raw) in enumerate(texts))
    writer.close()
    seal(journal_path(target), target)
    return target


@pytest.mark.parametrize("pace", ["clock", "client"])
def test_an_app_gets_the_recorded_responses_before_the_first_event_and_binary_ones(
    asked_first: Path, pace: Any
) -> None:
    async def main() -> list[Any]:
        async with (
            ReplayServer(asked_first, ReplayOptions(speed=None, pace=pace)) as server,
            httpx2.AsyncClient(base_url=f"{server.http_url}/ari", trust_env=False) as http,
        ):
            found: list[Any] = [(await http.get("/bridges")).json()]
            found.append((await http.post("/bridges")).json()["id"])
            found.append([bridge["id"] for bridge in (await http.get("/bridges")).json()])
            async with client(server.url, "app") as connection:
                found.append(json.loads(await connection.recv())["n"])
                sound = await http.get("/recordings/stored/x/file")
                return [*found, sound.headers["content-type"], sound.content]

    assert run(main()) == [[], "b1", ["b1"], 9, "audio/x-wav", SOUND]
