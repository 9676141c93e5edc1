"""The pbx state at an instant, against what real calls did, and against answers that were recorded."""

import json
from typing import Any

import pytest

from arirecord.asterisk.rest_operations import find
from arirecord.replay.pbx.queries import lookups
from arirecord.replay.pbx.state import PbxState
from arirecord.replay.rest.messages import RestRequest
from arirecord.replay.rest.recorded_exchanges import RecordedRest
from arirecord.session.reader import Frame, open_session
from arirecord.session.rows import own_text
from tests.conftest import Sessions


def told(kind: str, at_ns: int = 0, **fields: Any) -> Frame:
    """An event."""
    raw = json.dumps({"type": kind, "application": "a", **fields})
    return Frame(0, at_ns, at_ns, "event", kind, "a", raw)


def listed(path: str, value: Any, at_ns: int, took_ns: int = 0) -> Frame:
    """A recorded answer to `GET path`."""
    raw = own_text(
        "rest",
        "GET",
        by="recorder",
        method="GET",
        uri=path,
        status=200,
        answer_body=json.dumps(value),
        duration_ns=took_ns,
    )
    return Frame(0, at_ns, at_ns, "rest", "GET", None, raw)


def channel(key: str, state: str = "Up", name: str = "PJSIP/alice-00000001") -> dict[str, Any]:
    return {"id": key, "name": name, "state": state, "caller": {"name": "A", "number": "1"}}


def after(*frames: Frame) -> PbxState:
    pbx = PbxState()
    pbx.feed(frames)
    pbx.catch_up()
    return pbx


def ask(pbx: PbxState, path: str) -> tuple[int, Any]:
    question = RestRequest("GET", path)
    match = find("GET", question.segments)
    assert match is not None
    answer = lookups(pbx, RecordedRest())[match.operation.resource, match.operation.name](match, question)
    return answer.status, answer.value


@pytest.mark.parametrize(
    "name", ["ivr_dtmf/all", "attended_transfer/all", "blind_transfer/all", "recording_playback/all"]
)
def test_after_real_calls_nothing_is_left_and_in_between_is_what_began_and_has_not_ended(
    sessions: Sessions, name: str
) -> None:
    pbx = PbxState()
    up: set[str] = set()
    bridges: dict[str, set[str]] = {}
    for frame in open_session(sessions[name]).frames():
        event = json.loads(frame.raw)
        pbx.feed([frame])
        pbx.catch_up()
        match frame.type:
            case "ChannelCreated":
                up.add(event["channel"]["id"])
            case "ChannelDestroyed":
                up.discard(event["channel"]["id"])
            case "BridgeCreated":
                bridges[event["bridge"]["id"]] = set()
            case "BridgeDestroyed":
                bridges.pop(event["bridge"]["id"], None)
            case "ChannelEnteredBridge":
                bridges[event["bridge"]["id"]].add(event["channel"]["id"])
            case "ChannelLeftBridge":
                bridges[event["bridge"]["id"]].discard(event["channel"]["id"])
        assert pbx.channels.items.keys() == up
        assert {key: set(bridge["channels"]) for key, bridge in pbx.bridges.items.items()} == bridges
    assert not pbx.playbacks.items
    assert not pbx.recordings.items


def test_what_comes_after_its_end_brings_no_channel_back() -> None:
    pbx = after(
        told("ChannelCreated", channel=channel("1")),
        told("ChannelDestroyed", channel=channel("1")),
        told("ChannelCallerId", channel=channel("1")),
    )

    assert ask(pbx, "/channels/1") == (404, {"message": "Channel not found"})
    pbx.feed([told("ChannelCreated", channel=channel("1"))])
    pbx.catch_up()
    assert ask(pbx, "/channels") == (200, [channel("1")])


def test_an_app_that_hears_no_end_loses_the_channel_when_it_leaves() -> None:
    pbx = after(told("StasisStart", channel=channel("1")), told("StasisEnd", channel=channel("1")))
    other = after(
        told("ChannelCreated", channel=channel("1")),
        told("StasisStart", channel=channel("1")),
        told("StasisEnd", channel=channel("1")),
    )

    assert pbx.channels.items == {}
    assert list(other.channels.items) == ["1"]


def test_a_snapshot_corrects_and_what_was_told_while_it_was_asked_for_stays() -> None:
    pbx = after(
        told("ChannelCreated", 1, channel=channel("gone in a gap")),
        told("ChannelCreated", 2, channel=channel("changes", "Ring")),
        told("ChannelStateChange", 15, channel=channel("changes", "Up")),
        told("ChannelCreated", 16, channel=channel("new")),
        listed("/channels", [channel("changes", "Ring"), channel("was there")], at_ns=20, took_ns=10),
    )

    assert [(item["id"], item["state"]) for item in ask(pbx, "/channels")[1]] == [
        ("changes", "Up"),
        ("new", "Up"),
        ("was there", "Up"),
    ]


def test_variables() -> None:
    extended = {**channel("1"), "channelvars": {"CHANNEL(linkedid)": "17.1"}}
    pbx = after(
        told("ChannelCreated", channel=extended),
        told("ChannelVarset", channel=extended, variable="X", value="ä"),
        told("ChannelVarset", variable="G", value="all"),
    )

    assert ask(pbx, "/channels/1/variable?variable=X") == (200, {"value": "ä"})
    assert ask(pbx, "/channels/1/variable?variable=CHANNEL(linkedid)") == (200, {"value": "17.1"})
    assert ask(pbx, "/channels/1/variable?variable=CALLERID(num)") == (200, {"value": "1"})
    assert ask(pbx, "/channels/1/variable?variable=Y")[0] == 404
    assert ask(pbx, "/channels/2/variable?variable=X")[0] == 404
    assert ask(pbx, "/channels/1/variable")[0] == 400
    assert ask(pbx, "/channels/1/variables?variables=X,Y") == (200, {"variables": {"X": "ä"}})
    assert ask(pbx, "/asterisk/variable?variable=G") == (200, {"value": "all"})


def test_endpoints_have_their_channels_and_devices_their_states() -> None:
    alice = {"technology": "PJSIP", "resource": "alice", "state": "online", "channel_ids": []}
    pbx = after(
        listed("/endpoints", [alice], 0),
        told("ChannelCreated", 1, channel=channel("1")),
        told("DeviceStateChanged", 2, device_state={"name": "PJSIP/alice", "state": "INUSE"}),
        told("PeerStatusChange", 3, endpoint={**alice, "state": "offline"}, peer={"peer_status": "Unreachable"}),
    )

    assert ask(pbx, "/endpoints/pjsip/alice") == (200, {**alice, "state": "offline", "channel_ids": ["1"]})
    assert ask(pbx, "/endpoints/PJSIP")[0] == 200
    assert ask(pbx, "/endpoints/SIP")[0] == 404
    assert ask(pbx, "/deviceStates/PJSIP%2Falice") == (200, {"name": "PJSIP/alice", "state": "INUSE"})
    assert ask(pbx, "/deviceStates") == (200, [])


def test_playbacks_and_recordings_are_there_while_they_run() -> None:
    playback = {"id": "p", "media_uri": "sound:x", "target_uri": "channel:1", "state": "playing"}
    recording = {"name": "r", "format": "wav", "target_uri": "channel:1", "state": "recording"}
    begun = [told("PlaybackStarted", playback=playback), told("RecordingStarted", recording=recording)]
    ended = [
        told("PlaybackFinished", playback={**playback, "state": "done"}),
        told("RecordingFinished", recording={**recording, "state": "done"}),
    ]

    assert ask(after(*begun), "/playbacks/p") == (200, playback)
    assert ask(after(*begun), "/recordings/live/r") == (200, recording)
    assert ask(after(*begun, *ended), "/playbacks/p")[0] == 404
    assert ask(after(*begun, *ended), "/recordings/live/r")[0] == 404
    assert ask(after(*begun, *ended), "/recordings/stored") == (200, [{"name": "r", "format": "wav"}])
