"""Who hears what, under which name: held against what a real Asterisk sent to an application."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from arirecord.errors import ReplayError
from arirecord.replay.clients.app_registry import rewrite
from arirecord.replay.clients.channel_ownership import PRIVATE, Membership, Subscription, read_known
from arirecord.replay.clients.routing import ClientView, CombinedView, EventRouting
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.session.reader import open_session
from tests.conftest import Sessions, read_lines, streams

from .support import client, frame, make, receive, run
from .test_server import MAX, Said, event

NOTHING = Membership()


def views(
    recorded: Sequence[str], *asked: str, known: Membership = NOTHING, **more: object
) -> tuple[list[ClientView], list[str]]:
    return EventRouting(recorded, **more).views(asked, False, known)  # type: ignore[arg-type]  # the keywords of Names


def test_a_recorded_application_gets_its_own() -> None:
    (view,), notices = views(["a", "b"], "a")

    assert view.payload(frame(0, 0, "raw", "a")) == "raw"
    assert view.payload(frame(0, 0, "raw", "b")) is None
    assert notices == []


def test_of_the_only_application_anybody_gets_the_frames() -> None:
    (view, other), notices = views(["recorder"], "mine", "other")

    assert view.payload(frame(0, 0, '{"application":"recorder"}', "recorder")) == '{"application":"mine"}'
    assert other.payload(frame(0, 0, '{"application":"recorder"}', "recorder")) is None
    assert "'mine'" in notices[0]
    assert "'recorder'" in notices[0]


def test_of_several_applications_an_unknown_one_gets_nothing_and_is_told_which_there_are() -> None:
    (view,), notices = views(["a", "b"], "c")

    assert view.payload(frame(0, 0, "raw", "a")) is None
    assert notices == ["application 'c' is not in the recording; it has 'a', 'b'"]


def test_a_long_list_of_applications_is_cut() -> None:
    assert views([f"app:{i}" for i in range(500)], "x")[1][0].endswith("and 490 more")


def test_a_mapped_name_gets_what_it_stands_for() -> None:
    found, notices = views(["a", "b"], "x", "y", "a", mapped=[("a", "x"), ("b", "y"), ("a", "y")])
    texts = [[view.payload(frame(0, 0, json.dumps({"n": n, "application": n}), n)) for n in "ab"] for view in found]

    assert [[text and json.loads(text)["application"] for text in row] for row in texts] == [
        ["x", None],
        ["y", "y"],
        ["a", None],
    ]
    assert notices == []


def test_what_is_not_there_can_not_be_mapped() -> None:
    with pytest.raises(ReplayError, match="application 'z' to map does not exist; it has 'a'"):
        EventRouting(["a"], [("z", "x")]).check(NOTHING)


def test_what_two_applications_heard_is_told_once() -> None:
    """And twice, where one of them heard it twice; in whatever order their frames come."""
    union = CombinedView(window=4)
    heard = [union.is_new(text, name) for name, text in [("a", "1"), ("b", "1"), ("b", "1"), ("a", "1"), ("a", "1")]]

    assert heard == [True, False, True, False, True]
    assert all(union.is_new(str(number), "a") for number in range(2, 6))
    assert union.is_new("1", "b"), "long ago"


@pytest.mark.parametrize(
    ("name", "wrong_ratio"),
    [
        ("hold_unhold", 0),
        ("recording_playback", 0),
        ("answered_bridge_talk", 0.05),
        ("ivr_dtmf", 0.15),
        ("attended_transfer", 0.2),
        ("blind_transfer", 0.1),
    ],
)
def test_what_asterisk_sent_to_an_application_without_subscribe_all(
    sessions: Sessions, name: str, wrong_ratio: float
) -> None:
    """Out of what it sent to a recorder with it; only StasisStart and its kin can't be had from there.

    What differs is of channels that an app originated and nobody answered, and of what it subscribed to by REST.
    """
    (view,), _ = EventRouting(["recorder"]).views(["rig"], False, read_known(open_session(sessions[f"{name}/all"])))
    heard = Counter(view.payload(frame) for frame in open_session(sessions[f"{name}/all"]).frames())
    del heard[None]
    sent = Counter(
        raw
        for line in read_lines(streams()[f"{name}/app"])
        if orjson.loads(raw := orjson.loads(line)["frame"])["type"] not in PRIVATE
    )

    wrong = (heard - sent).total() + (sent - heard).total()
    assert wrong <= wrong_ratio * sent.total()
    assert heard.total() > 0.7 * sent.total()


def test_what_an_application_subscribed_to_it_hears() -> None:
    sources: dict[str, None] = {}
    owned = Subscription({"app"}, (), sources)
    channel = {"id": "1", "name": "PJSIP/alice-00000001", "dialplan": {"app_name": "Dial", "app_data": ""}}
    told = [
        ("channel:1", {"type": "ChannelVarset", "channel": channel}),
        ("endpoint:PJSIP/alice", {"type": "ChannelVarset", "channel": channel}),
        ("endpoint:PJSIP", {"type": "PeerStatusChange", "endpoint": {"technology": "PJSIP", "resource": "alice"}}),
        ("endpoint:", {"type": "PeerStatusChange", "endpoint": {"technology": "PJSIP", "resource": "alice"}}),
        ("bridge:b", {"type": "BridgeCreated", "bridge": {"id": "b", "channels": []}}),
        ("deviceState:Stasis:x", {"type": "DeviceStateChanged", "device_state": {"name": "Stasis:x"}}),
    ]
    for source, about in told:
        sources.clear()
        assert not owned.wants(about)
        sources[source] = None
        assert owned.wants(about)


@pytest.mark.parametrize("odd", [{}, {"type": "Dial", "peer": 1}, {"type": "ChannelVarset", "variable": "STASISSTATUS"},
    {"type": "ChannelDestroyed", "channel": {}}, {"type": "ChannelDialplan"}, {"bridge": {"id": "x", "channels": 5}},
    {"playback": []}, {"type": "ChannelDestroyed", "channel": {"id": "1", "dialplan": None}}])  # fmt: skip
def test_odd_events_belong_to_nobody(odd: dict[str, object]) -> None:
    assert not Subscription({"app"}, ()).wants(odd)


def hear(session: Path, query: str, count: int, options: ReplayOptions = MAX) -> tuple[list[str], list[str]]:
    """The first frames that a client gets, and what was said."""

    async def main() -> tuple[list[str], list[str]]:
        said = Said()
        async with ReplayServer(session, options, said) as server, connect(f"{server.url}?{query}") as connection:
            got = await receive(connection, count)
            connection.transport.abort()
            return got, said.lines

    return run(main())


def test_an_app_gets_its_own_of_a_recorder_s_recording(sessions: Sessions) -> None:
    sent = [f.raw for f in open_session(sessions["hold_unhold/app"]).frames() if f.type not in PRIVATE]
    got, said = hear(sessions["hold_unhold/all"], "app=rig", len(sent))
    everything, _ = hear(sessions["hold_unhold/all"], "app=rig&subscribeAll=true", 309)

    assert Counter(got) == Counter(sent)
    assert [rewrite(raw, "recorder") for raw in everything] == [
        f.raw for f in open_session(sessions["hold_unhold/all"]).frames()
    ]
    assert any("did not ask for subscribeAll" in line for line in said)


def test_the_app_in_a_recording_may_be_called_otherwise(sessions: Sessions) -> None:
    """Also that of the dialplan, where frames carry only the recorder's name."""
    got, _ = hear(
        sessions["hold_unhold/all"], "app=mine", 62, ReplayOptions(port=0, speed=None, map_app=[("rig", "mine")])
    )

    assert {json.loads(raw)["application"] for raw in got} == {"mine"}
    assert sum("Stasis" in raw for raw in got) > 30


def test_unknown_names_are_refused_if_so_wanted(tmp_path: Path) -> None:
    session = make(tmp_path / "s.parquet", [(0, event(0))])
    options = ReplayOptions(port=0, speed=None, strict_app=True, map_app=[("recorder", "mine")])

    async def main() -> tuple[int, bytes]:
        async with ReplayServer(session, options) as server:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{server.url}?app=other")
            async with client(server.url, "mine") as mine:
                assert await receive(mine, 1) == [event(0, "mine")]
            return refused.value.response.status_code, bytes(refused.value.response.body or b"")

    status, body = run(main())
    assert status == 404
    assert b"'other' is not in the recording; it has 'recorder'" in body
    assert b"--strict-app" in body


def test_several_applications_and_everything(tmp_path: Path) -> None:
    """With subscribeAll each hears what any heard, once, but for what Asterisk tells only the other itself."""
    texts = [event(0, "a"), event(0, "b"), event(1, "b"), json.dumps({"type": "StasisStart", "application": "b"})]
    session = make(tmp_path / "s.parquet", [(n, text) for n, text in enumerate([*texts, event(2, "a")])])

    got, _ = hear(session, "app=a&subscribeAll=true", 3)
    assert [json.loads(raw).get("n") for raw in got] == [0, 1, 2]
    got, _ = hear(session, "app=b&subscribeAll=true", 4)
    assert [json.loads(raw).get("n") for raw in got] == [0, 1, None, 2]


def test_subscriptions_outlive_the_connection(sessions: Sessions) -> None:
    async def main() -> list[str]:
        import httpx2

        options = ReplayOptions(port=0, speed=None, start_paused=True)
        async with (
            ReplayServer(sessions["hold_unhold/all"], options) as server,
            httpx2.AsyncClient(base_url=server.http_url + "/ari", trust_env=False) as http,
        ):
            said = server.status
            async with client(server.url, "rig"):
                await http.post("/applications/rig/subscription?eventSource=deviceState:PJSIP/u1000")
            while server.status.clients:
                await http.get("/asterisk/ping")
            async with client(server.url, "rig"):
                found = (await http.get("/applications/rig")).json()["device_names"]
            assert said.frames == 0
            return list(found)

    assert run(main()) == ["PJSIP/u1000"]
