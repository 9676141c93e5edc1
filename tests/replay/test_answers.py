"""Which recorded answer a client gets: its own ids, the right call, and things that were asked for otherwise."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from arirecord.replay.clients.app_registry import Applications
from arirecord.replay.pbx.state import PbxState
from arirecord.replay.rest.exchange_links import with_applications
from arirecord.replay.rest.messages import RestRequest
from arirecord.replay.rest.recorded_exchanges import RecordedExchange, RecordedRest, StasisEntry
from arirecord.replay.rest_handler import RestHandler

from .support import frame

SECOND_NS = 10**9
ORIGINATE = "/channels?app=app&endpoint=PJSIP/"
CHANNEL = {"id": "c", "name": "PJSIP/a-1", "state": "Up"}


def exchange(method: str, uri: str, value: Any = None, at_s: float = 0, status: int = 200) -> RecordedExchange:
    body = "" if value is None else json.dumps(value)
    return RecordedExchange(
        "app", method, f"/ari{uri}", status, body.encode(), "application/json", 0, int(at_s * SECOND_NS)
    )


class World:
    """A replay's REST interface where the channel `c` is up; `now_s` is the time of the recording."""

    def __init__(self, *exchanges: RecordedExchange, entries: Sequence[StasisEntry] = ()) -> None:
        self.now_s = 0.0
        self.pbx = pbx = PbxState()
        raw = json.dumps({"type": "ChannelCreated", "channel": CHANNEL})
        pbx.feed([frame(0, 0, raw)._replace(type="ChannelCreated")])
        recorded = RecordedRest(exchanges=list(exchanges), applications=["app"], entries=entries)
        now_ns = lambda: int(self.now_s * SECOND_NS)  # noqa: E731 - a clock that the test moves
        self.rest = RestHandler(recorded, pbx, Applications[object](), "00:00", lambda: "then", now_ns)

    def ask(self, method: str, target: str, body: Any = None, connection: str = "") -> tuple[int, Any]:
        text = b"" if body is None else json.dumps(body).encode()
        answer = self.rest.respond(RestRequest(method, target, text, "application/json"), connection)[0]
        return answer.status, json.loads(answer.content) if answer.content else None


def test_what_a_client_makes_goes_by_its_id_from_then_on() -> None:
    """In the answer, in what it asks of it, and in events."""
    world = World(
        exchange("POST", "/channels/c/play/old-1234?media=sound:a", {"id": "old-1234", "media_uri": "sound:a"}),
        exchange("POST", "/playbacks/old-1234/control?operation=pause", status=409),
    )

    assert world.ask("POST", "/channels/c/play/mine?media=sound:a")[1] == {"id": "mine", "media_uri": "sound:a"}
    assert world.ask("GET", "/playbacks/mine") == (200, {"id": "mine", "media_uri": "sound:a"})
    assert world.ask("POST", "/playbacks/mine/control?operation=pause")[0] == 409
    assert world.ask("POST", "/playbacks/other/control?operation=pause")[0] == 404
    event = {"type": "PlaybackFinished", "playback": {"id": "old-1234", "media_uri": "sound:a"}}
    assert json.loads(world.rest.ids.to_client(json.dumps(event)))["playback"]["id"] == "mine"


def test_what_asterisk_named_has_that_name_again() -> None:
    """Where the client leaves it to Asterisk."""
    world = World(exchange("POST", "/bridges", {"id": "b-1"}), exchange("POST", "/bridges", {"id": "b-2"}))

    assert [world.ask("POST", "/bridges?bridgeId=")[1]["id"] for _ in range(2)] == ["b-1", "b-2"]
    third = world.ask("POST", "/bridges")[1]["id"]
    assert third not in ("b-1", "b-2")
    assert [bridge["id"] for bridge in world.ask("GET", "/bridges")[1]] == ["b-1", "b-2", third]


def test_something_else_takes_the_place_of_what_was_made() -> None:
    """The wrong prompt ends when the right one ended: events are those of the recording."""
    world = World(exchange("POST", "/channels/c/play/old-1234?media=sound:a", {"id": "old-1234"}, status=201))

    status, playback = world.ask("POST", "/channels/c/play/mine?media=sound:wrong")
    assert (status, playback["id"], playback["media_uri"]) == (201, "mine", "sound:wrong")
    assert world.rest.ids.recorded("playbacks", "mine") == "old-1234"
    assert world.ask("GET", "/playbacks/mine")[1]["media_uri"] == "sound:wrong"


def test_a_call_that_was_left_out_is_passed_over() -> None:
    """The bridge of the first call is not that of the second."""
    bridges = [exchange("POST", "/bridges", {"id": f"b-{number}"}, at_s=100 * number) for number in range(1, 4)]
    world = World(*bridges)
    world.now_s = 199.9
    assert world.ask("POST", "/bridges")[1]["id"] == "b-2"
    world.now_s = 300.5
    assert world.ask("POST", "/bridges")[1]["id"] == "b-3"
    world.now_s = 400
    assert world.ask("POST", "/bridges")[1]["id"] == "b-1"
    world.rest.restart(250 * SECOND_NS)
    world.now_s = 250
    assert world.ask("POST", "/bridges")[1]["id"] == "b-3"


def test_a_question_may_be_asked_again_and_again() -> None:
    """Its last answer holds."""
    world = World(*(exchange("GET", "/asterisk/modules", [number], at_s=number) for number in range(3)))

    assert [world.ask("GET", "/asterisk/modules")[1] for _ in range(5)] == [[0], [1], [2], [2], [2]]


def test_both_halves_of_a_local_channel() -> None:
    """Have the ids that the client chose."""
    recorded = RecordedExchange(
        *("app", "POST", "/ari/channels", 200, b'{"id":"old-0001"}', "application/json", 0, 0),
        request_body=b'{"endpoint":"Local/x@y","app":"app","channelId":"old-0001","otherChannelId":"old-0002"}',
        request_type="application/json",
    )
    world = World(recorded)
    wanted = {"endpoint": "Local/x@y", "app": "app", "channelId": "one", "otherChannelId": "two"}

    assert world.ask("POST", "/channels", wanted) == (200, {"id": "one"})
    assert world.rest.ids.recorded("channels", "two") == "old-0002"


def test_a_copy_is_no_recording_that_goes_on() -> None:
    """It is there at once."""
    copy = {"name": "b", "format": "wav"}
    world = World(exchange("POST", "/recordings/stored/a/copy?destinationRecordingName=b", copy, status=201))

    assert world.ask("POST", "/recordings/stored/a/copy?destinationRecordingName=c") == (201, {**copy, "name": "c"})
    assert world.ask("GET", "/recordings/live/c")[0] == 404


def test_a_request_that_was_refused_at_first_is_refused_at_first() -> None:
    """A name that the client chose is that of the recording, where it was taken until the client freed it."""
    copy = "/recordings/stored/a/copy?destinationRecordingName=mine"
    world = World(
        exchange("POST", copy, {"message": "taken"}, status=409),
        exchange("DELETE", "/recordings/stored/mine", at_s=1, status=204),
        exchange("POST", copy, {"name": "mine", "format": "wav"}, at_s=2, status=201),
    )

    asked = [world.ask("POST", copy), world.ask("DELETE", "/recordings/stored/mine"), world.ask("POST", copy)]
    assert [status for status, _ in asked] == [409, 204, 201]


def test_a_refused_request_that_is_left_out_is_passed_over() -> None:
    """It does not refuse that of a later call, nor any after it."""
    create, destroy = ("POST", "/bridges?bridgeId=room"), ("DELETE", "/bridges/room")
    course = [(0, create), (100, destroy), (200, create), (300, destroy), (400, create), (500, destroy), (600, create)]
    recorded = [
        exchange(*request, {"id": "room"} if request == create else None, at_s=at_s) for at_s, request in course
    ]
    refused = exchange(*create, {"message": "taken"}, at_s=201, status=409)
    world = World(*recorded[:3], refused, *recorded[3:])

    def status(at_s: float, request: tuple[str, str]) -> int:
        world.now_s = at_s
        return world.ask(*request)[0]

    assert [status(*one) for one in course] == [200] * 7


def racing(
    first: str, second: str, gap_s: float = 0.1, second_at: str = "10.0.0.1:2", originated: Sequence[str] = ()
) -> World:
    """Two calls destroy one bridge, and only the first of them succeeds. `c` and `d` sent over a connection each.

    Before, each call had originated one of the channels.
    """
    exchanges = [
        exchange("POST", f"/channels/{first}/answer", status=204)._replace(client="10.0.0.1:1"),
        exchange("POST", f"/channels/{second}/answer", at_s=0.1, status=204)._replace(client=second_at),
        *(
            exchange("POST", f"{ORIGINATE}{number}", {"id": one, "name": "PJSIP/1-1"}, at_s=0.5)._replace(client=client)
            for number, (one, client) in enumerate(zip(originated, ("10.0.0.1:1", second_at), strict=False))
        ),
        exchange("DELETE", "/bridges/room", at_s=1, status=204)._replace(client="10.0.0.1:1"),
        exchange("DELETE", "/bridges/room", at_s=1 + gap_s, status=404)._replace(client=second_at),
    ]
    world = World(*exchanges)
    begin(world, "d")
    return world


@pytest.mark.parametrize("originated", ["", "ef"])
@pytest.mark.parametrize(("first", "second"), [("c", "d"), ("d", "c")])
def test_calls_that_race_for_one_thing_get_their_own_responses(first: str, second: str, originated: str) -> None:
    """Whichever comes first: the connection shows the call, also by a channel that was originated over it."""
    world = racing(first, second, originated=originated)
    for number, channel in enumerate((first, second)):
        world.ask("POST", f"/channels/{channel}/answer", connection=f"now:{number}")
    for number in range(len(originated)):
        world.ask("POST", f"{ORIGINATE}{number}", connection=f"now:{number}")

    asked = [world.ask("DELETE", "/bridges/room", connection=f"now:{number}")[0] for number in (1, 0)]
    assert asked == [404, 204]


@pytest.mark.parametrize("recorded", [{"gap_s": 5}, {"second_at": "10.0.0.1:1"}])
def test_requests_that_do_not_race_get_the_responses_in_order(recorded: dict[str, Any]) -> None:
    """Long after one another, or over one connection, which does not show whose they are."""
    world = racing("c", "d", **recorded)
    for number, channel in enumerate("cd"):
        world.ask("POST", f"/channels/{channel}/answer", connection=f"now:{number}")

    asked = [world.ask("DELETE", "/bridges/room", connection=f"now:{number}")[0] for number in (1, 0)]
    assert asked == [204, 404]


def test_a_request_of_minutes_ago_is_not_in_a_race() -> None:
    """The first call left its request out. The second sends its own over the connection of the first."""
    world = World(
        exchange("POST", "/channels/c/answer", status=204)._replace(client="10.0.0.1:1"),
        exchange("DELETE", "/bridges/room", at_s=1, status=404)._replace(client="10.0.0.1:1"),
        exchange("POST", "/channels/d/answer", at_s=600, status=204)._replace(client="10.0.0.1:2"),
        exchange("DELETE", "/bridges/room", at_s=601, status=204)._replace(client="10.0.0.1:2"),
    )
    begin(world, "d")
    world.ask("POST", "/channels/c/answer", connection="now:1")
    world.now_s = 601
    world.ask("POST", "/channels/d/answer", connection="now:2")

    assert world.ask("DELETE", "/bridges/room", connection="now:1")[0] == 204


def entry(channel: str, at_s: float) -> StasisEntry:
    return StasisEntry((int(at_s * SECOND_NS), 0), channel, "app")


def two_calls() -> World:
    """Each call gets a bridge; only the first has begun."""
    exchanges = [
        exchange("POST", "/bridges", {"id": "b-1"}, at_s=1),
        exchange("POST", "/bridges/b-1/addChannel?channel=c", at_s=2, status=204),
        exchange("POST", "/bridges", {"id": "b-2"}, at_s=5),
        exchange("POST", "/bridges/b-2/addChannel?channel=d", at_s=6, status=204),
    ]
    return World(*exchanges, entries=[entry("c", 0), entry("d", 4)])


def begin(world: World, channel: str) -> None:
    raw = json.dumps({"type": "ChannelCreated", "channel": {**CHANNEL, "id": channel}})
    world.pbx.feed([frame(1, 0, raw)._replace(type="ChannelCreated")])


def test_a_request_too_many_leaves_the_next_call_its_answer() -> None:
    """Nothing of a call is given away before it has begun."""
    world = two_calls()
    assert world.ask("POST", "/bridges")[1]["id"] == "b-1"
    extra = world.ask("POST", "/bridges")[1]["id"]
    begin(world, "d")

    assert extra not in ("b-1", "b-2")
    assert world.ask("POST", "/bridges")[1]["id"] == "b-2"


def test_a_channel_shows_to_which_call_a_bridge_belongs() -> None:
    """Calls at the same time: the extra bridge of one got the id that the other has in the recording."""
    world = two_calls()
    begin(world, "d")
    first, extra, other = (world.ask("POST", "/bridges")[1]["id"] for _ in range(3))
    assert (first, extra) == ("b-1", "b-2")
    assert world.ask("POST", f"/bridges/{first}/addChannel?channel=c")[0] == 204
    assert world.ask("POST", f"/bridges/{other}/addChannel?channel=d")[0] == 204

    assert world.rest.ids.recorded("bridges", other) == "b-2"
    assert world.rest.ids.recorded("bridges", extra) not in ("b-1", "b-2")
    event = {"type": "BridgeDestroyed", "bridge": {"id": "b-2", "technology": "x", "channels": []}}
    assert json.loads(world.rest.ids.to_client(json.dumps(event)))["bridge"]["id"] == other
    assert {bridge["id"] for bridge in world.ask("GET", "/bridges")[1]} == {first, extra, other}


def test_bridges_made_in_the_other_order_change_places() -> None:
    world = two_calls()
    begin(world, "d")
    of_d, of_c = (world.ask("POST", "/bridges")[1]["id"] for _ in range(2))
    world.ask("POST", f"/bridges/{of_d}/addChannel?channel=d")
    world.ask("POST", f"/bridges/{of_c}/addChannel?channel=c")

    assert world.rest.ids.recorded("bridges", of_d) == "b-2"
    assert world.rest.ids.recorded("bridges", of_c) == "b-1"


def test_a_wrong_bridge_stays_wrong() -> None:
    """An app that puts the second caller into the first one's bridge."""
    world = two_calls()
    begin(world, "d")
    bridge = world.ask("POST", "/bridges")[1]["id"]
    world.ask("POST", f"/bridges/{bridge}/addChannel?channel=c")
    world.ask("POST", f"/bridges/{bridge}/addChannel?channel=d")

    assert world.rest.ids.recorded("bridges", bridge) == "b-1"


def test_requests_belong_to_apps() -> None:
    """By a parameter, by a channel, by what another request of the app names, and by the connection."""
    recorded = [
        exchange("POST", "/channels/x/answer"),
        exchange("POST", "/bridges", {"id": "b-1"}),
        exchange("POST", "/bridges/b-1/addChannel?channel=y"),
        exchange("POST", "/channels?endpoint=PJSIP/1&app=one", {"id": "z"}),
        exchange("DELETE", "/channels/z"),
        exchange("GET", "/endpoints")._replace(client="10.0.0.1:5"),
        exchange("DELETE", "/channels/y")._replace(client="10.0.0.1:5"),
        exchange("GET", "/bridges"),
    ]
    entries = [entry("x", 0), entry("y", 0)._replace(application="two")]
    entries[0] = entries[0]._replace(application="one")

    owned = [one.application for one in with_applications(recorded, entries)]
    assert owned == ["one", "two", "two", "one", "one", "two", "two", ""]
