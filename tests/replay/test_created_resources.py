"""A recording without REST requests: the resources that a client creates are those of the next events that fit."""

import json
from typing import Any

import pytest

from arirecord.replay import events
from arirecord.select.times import Position
from arirecord.session.reader import Frame

from .support import frame
from .world import START_NS, S, World


def shows(number: int, at_s: float, kind: str, **fields: Any) -> Frame:
    raw = json.dumps({"type": kind, "n": number, "application": "app", **fields})
    return frame(number, int(at_s * S), raw, "app")._replace(type=kind)


def playback(key: str, target: str) -> dict[str, str]:
    return {"id": key, "target_uri": target, "media_uri": "sound:x", "state": "playing"}


CALLER = {"id": "1795000000.1", "name": "PJSIP/alice-00000001", "state": "Up"}
AGENT = {"id": "1795000000.2", "name": "PJSIP/bob-00000002", "state": "Ring"}
FRAMES = [
    shows(0, 0, "StasisStart", channel=CALLER),
    shows(1, 1, "PlaybackStarted", playback=playback("recorded-playback-1", "channel:other")),
    shows(2, 2, "PlaybackStarted", playback=playback("recorded-playback-2", f"channel:{CALLER['id']}")),
    shows(3, 3, "PlaybackFinished", playback=playback("recorded-playback-2", f"channel:{CALLER['id']}")),
    shows(4, 4, "BridgeCreated", bridge={"id": "recorded-bridge-1", "technology": "x", "channels": []}),
    shows(5, 5, "ChannelCreated", channel=AGENT),
]


def ids(texts: list[Any]) -> list[str]:
    return [text[field]["id"] for text in texts for field in ("channel", "playback", "bridge") if field in text]


@pytest.mark.parametrize("asks_at_s", [0.5, 2.5])
def test_a_playback_of_the_client_is_the_recorded_one_of_that_channel(asks_at_s: float) -> None:
    """Also if the recorded one has begun, because the client is slower."""
    world = World(FRAMES)
    client = world.connect()
    world.run()
    world.pass_s(asks_at_s)
    world.ask("POST", f"/channels/{CALLER['id']}/play/my-own-playback?media=sound:y")
    world.pass_s(10)

    finished = [text for text in client.texts if text["type"] == "PlaybackFinished"]
    assert ids(finished) == ["my-own-playback"]


def test_bridges_and_dialled_channels_have_the_ids_of_the_client() -> None:
    world = World(FRAMES)
    client = world.connect()
    world.run()
    world.ask("POST", "/bridges/my-own-bridge")
    world.ask("POST", "/channels/my-own-channel?endpoint=PJSIP/bob&app=app")
    world.pass_s(10)

    assert ids(client.texts)[-2:] == ["my-own-bridge", "my-own-channel"]
    world.ask("GET", "/channels/my-own-channel")
    assert json.loads(world.of(events.Respond)[-1].response.content)["state"] == "Ring"


def test_after_a_seek_nothing_is_expected() -> None:
    world = World(FRAMES)
    client = world.connect()
    world.run()
    world.ask("POST", "/bridges/my-own-bridge")
    world.take(events.Seek(Position(START_NS + 3 * S)))
    world.pass_s(10)

    assert "my-own-bridge" not in ids(client.texts)
