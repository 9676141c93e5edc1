"""Requests that a recording does not have, and that Asterisk refuses: the statuses are those of Asterisk 22."""

import json

import pytest

from arirecord.replay import events

from .test_created_resources import CALLER, FRAMES
from .world import World

ORIGINATE = "POST /channels?endpoint=PJSIP/bob"
MEDIA = "POST /channels/externalMedia?app=app&format=ulaw"
ADD = "POST /bridges/recorded-bridge-1/addChannel"
SUBSCRIBE = "POST /applications/app/subscription?eventSource="


@pytest.mark.parametrize(
    ("status", "request_text"),
    [
        (400, ADD),
        (400, f"{ADD}?channel=nosuch"),
        (400, f"{ADD}?channel={CALLER['id']},nosuch"),
        (204, f"{ADD}?channel={CALLER['id']}"),
        (400, "POST /bridges/recorded-bridge-1/removeChannel?channel=nosuch"),
        (404, "POST /bridges/nosuch/addChannel?channel=nosuch"),
        (409, "POST /bridges?bridgeId=recorded-bridge-1"),
        (500, "POST /bridges?type=bogus"),
        (200, "POST /bridges?type=mixing,dtmf_events,proxy_media"),
        (400, "POST /channels?app=app"),
        (400, ORIGINATE),
        (400, "POST /channels?endpoint=PJSIP&app=app"),
        (200, f"{ORIGINATE}&app=app"),
        (200, f"{ORIGINATE}&extension=100"),
        (200, "POST /channels/create?endpoint=PJSIP/bob"),
        (400, MEDIA),
        (400, f"{MEDIA}&external_host=10.0.0.1"),
        (200, f"{MEDIA}&external_host=10.0.0.1:5000"),
        (200, f"{MEDIA}&external_host=peer&transport=websocket"),
        (400, SUBSCRIBE),
        (400, f"{SUBSCRIBE}nosuch:1"),
        (422, f"{SUBSCRIBE}channel:nosuch"),
        (200, f"{SUBSCRIBE}channel:{CALLER['id']}"),
        (404, SUBSCRIBE.replace("/app/", "/nosuch/") + "channel:1"),
        (409, "PUT /deviceStates/PJSIP:x?deviceState=INUSE"),
        (500, "PUT /deviceStates/Stasis:x?deviceState=BOGUS"),
        (204, "PUT /deviceStates/Stasis:x?deviceState=INUSE"),
        (404, "DELETE /recordings/stored/nosuch"),
        (404, "POST /recordings/stored/nosuch/copy?destinationRecordingName=x"),
        (400, "POST /playbacks/nosuch/control?operation=nosuch"),
        (404, "POST /playbacks/nosuch/control?operation=pause"),
        (400, "GET /bridges/nosuch/variable"),
        (400, f"POST /channels/{CALLER['id']}/variables"),
        (400, f"POST /channels/{CALLER['id']}/snoop?app=app"),
        (200, f"POST /channels/{CALLER['id']}/snoop?app=app&spy=both"),
        (409, "POST /bridges/recorded-bridge-1"),
        (200, "POST /bridges/recorded-bridge-1?name=x"),
        (500, "POST /bridges/recorded-bridge-1/play"),
        (400, "POST /events/claim"),
        (404, "POST /events/claim?channelId=up&application=app"),
        (404, "POST /events/user/x?application=nosuch"),
        (204, "POST /events/user/x?application=app"),
        (404, "DELETE /asterisk/config/dynamic/nosuch/endpoint/x"),
        (204, "DELETE /asterisk/config/dynamic/res_pjsip/endpoint/x"),
        (409, "POST /asterisk/modules/nosuch"),
        (204, "PUT /asterisk/modules/res_pjsip.so"),
        (404, "DELETE /asterisk/logging/nosuch"),
        (204, "PUT /asterisk/logging/messages/rotate"),
        (409, "DELETE /bridges/recorded-bridge-1/moh"),
        (204, "POST /bridges/recorded-bridge-1/moh"),
        (404, "PUT /endpoints/sendMessage?to=nosuch&from=x"),
        (404, "PUT /endpoints/nosuch/x/sendMessage"),
        (204, "PUT /endpoints/PJSIP/x/sendMessage?from=x"),
        (400, "POST /endpoints/PJSIP/x/refer"),
    ],
)
def test_status(status: int, request_text: str) -> None:
    world = World(FRAMES)
    world.connect()
    world.run()
    world.pass_s(10)
    method, target = request_text.split(" ", 1)
    world.ask(method, target)

    response = world.of(events.Respond)[-1].response
    assert response.status == status, response
    assert status < 300 or list(json.loads(response.content)) == ["message"]


def test_a_body_that_is_not_json_is_refused() -> None:
    world = World(FRAMES)
    world.connect()
    world.run()
    world.ask("POST", f"/channels/{CALLER['id']}/play?media=sound:x", b'{"media": ')

    assert world.of(events.Respond)[-1].response.status == 400


@pytest.mark.parametrize(
    ("status", "name"), [(412, "answer"), (412, "play?media=sound:x"), (422, "record?name=x&format=wav"), (204, "dial")]
)
def test_a_channel_that_was_not_dialled_takes_no_commands(status: int, name: str) -> None:
    world = World(FRAMES)
    world.connect()
    world.run()
    world.ask("POST", "/channels/create?endpoint=PJSIP/bob&app=app&channelId=mine")
    world.ask("POST", f"/channels/mine/{name}")

    assert world.of(events.Respond)[-1].response.status == status


@pytest.mark.parametrize(
    ("status", "first", "request_text"),
    [
        (403, "POST /channels/create?endpoint=Local/1@x&app=app&channelId=mine", "GET /channels/mine/rtp_statistics"),
        (404, "POST /channels/create?endpoint=PJSIP/x&app=app&channelId=mine", "GET /channels/mine/rtp_statistics"),
        (204, "POST /bridges/recorded-bridge-1/moh", "DELETE /bridges/recorded-bridge-1/moh"),
        (204, "POST /asterisk/logging/mine?configuration=notice", "DELETE /asterisk/logging/mine"),
    ],
)
def test_what_the_client_did_before_counts(status: int, first: str, request_text: str) -> None:
    world = World(FRAMES)
    world.connect()
    world.run()
    world.pass_s(10)
    for text in (first, request_text):
        method, target = text.split(" ", 1)
        world.ask(method, target)

    assert world.of(events.Respond)[-1].response.status == status


def test_a_query_with_a_broken_body_is_refused() -> None:
    world = World(FRAMES)
    world.connect()
    world.run()
    world.ask("GET", "/channels", b"{")

    assert world.of(events.Respond)[-1].response.status == 400
