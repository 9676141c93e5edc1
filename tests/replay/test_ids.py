"""Ids that a client chose itself stand for the recorded ones, and nothing else changes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.asterisk.rest_operations import find
from arirecord.replay.rest.id_map import IdMap, Kind
from arirecord.replay.rest.messages import RestRequest
from arirecord.replay.rest.request_key import request_key
from tests.examples import examples

TEXT = st.text(max_size=12) | st.sampled_from(["1", "note", "my/id", 'a"b', "1795488611.10", "ü", "\n1795488611.1"])
CLEAR = st.uuids().map(str) | st.from_regex(r"17[0-9]{8}\.[0-9]{1,4}", fullmatch=True)
ID = CLEAR | TEXT.filter(bool)

FORM = "application/x-www-form-urlencoded"


def event(ids: list[str], other: str) -> dict[str, Any]:
    """An event that names a channel, a bridge and a playback wherever ARI does, and a text that is `other`."""
    channel, bridge, playback = ids
    return {
        "type": "PlaybackFinished",
        "channel": {"id": channel, "name": other, "state": "Up", "accountcode": other},
        "bridge": {"id": bridge, "technology": other, "bridge_class": "stasis", "channels": [channel, other]},
        "playback": {"id": playback, "media_uri": f"sound:{other}", "target_uri": f"channel:{channel}", "state": other},
        "recording": {"name": other, "format": "wav", "target_uri": f"bridge:{bridge}"},
        "endpoint": {"technology": "PJSIP", "resource": other, "channel_ids": [channel]},
        "args": [other],
    }


@pytest.mark.slow
@given(st.lists(ID, min_size=7, max_size=7, unique=True))
@examples(500)
def test_every_place_where_an_id_stands_and_no_other(names: list[str]) -> None:
    """Whatever the ids are like, in the recording and at the client."""
    old, new, other = names[:3], names[3:6], names[6]
    ids = IdMap()
    kinds: tuple[Kind, ...] = ("channels", "bridges", "playbacks")
    for kind, recorded, client in zip(kinds, old, new, strict=True):
        ids.bind(kind, recorded, client)
    # A text may hold an id as a part, as `dialled,ID` does; here it is one by itself, or none.
    raw = json.dumps(event(old, other), ensure_ascii=False)
    assert json.loads(ids.to_client(raw)) == event(new, other)
    assert [ids.recorded(kind, client) for kind, client in zip(kinds, new, strict=True)] == old


@pytest.mark.slow
@given(st.dictionaries(st.text(max_size=5), TEXT), CLEAR, CLEAR)
def test_what_holds_no_id_is_not_touched(fields: dict[str, str], recorded: str, client: str) -> None:
    """Not a byte."""
    raw = json.dumps(fields, indent=1)
    ids = IdMap()
    assert ids.to_client(raw) is raw
    ids.bind("channels", recorded, client)
    assert recorded in raw or ids.to_client(raw) == raw


def test_an_id_that_can_be_nothing_else_is_found_within_texts() -> None:
    """But not within other ids."""
    ids = IdMap()
    ids.bind("channels", "1795488611.1", "f52e352c-b4a3-4f1c-a27e-174a3e219263")
    raw = '{"args":["dialled,1795488611.1"],"value":"1795488611.12","name":"Local/1795488611.1@x","x":"r-1795488611.1"}'

    assert json.loads(ids.to_client(raw)) == {
        "args": ["dialled,f52e352c-b4a3-4f1c-a27e-174a3e219263"],
        "value": "1795488611.12",
        "name": "Local/f52e352c-b4a3-4f1c-a27e-174a3e219263@x",
        "x": "r-1795488611.1",
    }


@pytest.mark.parametrize("client", ["mine", "my/own id", "0b15e393-b22d-49c0-9dce-20a3ab4aeb34"])
def test_a_question_is_asked_in_recorded_ids(client: str) -> None:
    """In the path, in parameters, in the body, in lists and in URIs."""
    ids = IdMap()
    ids.bind("channels", "17.1", client)
    ids.bind("recordings", "note", "other note")

    def recorded(method: str, path: tuple[str, ...], query: str, body: Any = None) -> tuple[Any, ...]:
        target = "/" + "/".join(part.replace("/", "%2F").replace(" ", "%20") for part in path) + query
        request = RestRequest(method, target, b"" if body is None else json.dumps(body).encode(), "application/json")
        route = find(method, request.segments)
        assert route is not None
        route, request = ids.to_recorded(route, request)
        what = request_key(route, request)
        return dict(what.path_ids), dict(what.parameters), what.body

    assert recorded("POST", ("channels", client, "answer"), "") == ({"channelId": "17.1"}, {}, "")
    query = f"?channel=b&channel={client.replace(' ', '+')},a"
    assert recorded("POST", ("bridges", "b", "addChannel"), query)[1] == {"channel": "17.1,a,b"}
    body = {"originator": client, "variables": {"X": "mine"}, "endpoint": "PJSIP/mine"}
    _, parameters, document = recorded("POST", ("channels",), "", body)
    assert (parameters, document) == ({"endpoint": "PJSIP/mine", "originator": "17.1"}, '{"variables":{"X":"mine"}}')
    assert recorded("POST", ("bridges", "b", "play"), "?media=recording:other+note,sound:mine")[1] == {
        "media": "recording:note,sound:mine"
    }


def test_a_form_is_read_as_a_query_is() -> None:
    """The ids in it are recorded ones, and a parameter may be repeated."""
    ids = IdMap()
    ids.bind("channels", "17.1", "my own id")
    request = RestRequest("POST", "/bridges/b/addChannel", b"channel=b&channel=my+own+id", FORM)
    route = find("POST", request.segments)
    assert route is not None
    assert dict(request_key(*ids.to_recorded(route, request)).parameters) == {"channel": "17.1,b"}
    assert request.values("channel") == ["b", "my own id"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/channels/c/play?media=sound:a&lang=de", "/channels/c/play/mine?lang=de&media=sound%3Aa&api_key=u:p", True),
        ("/channels/c/play?media=sound:a", "/channels/c/play?playbackId=mine&media=sound:a", True),
        ("/channels/c/play?media=sound:a,sound:b", "/channels/c/play?media=sound:a&media=sound:b", True),
        ("/channels/c/play?media=sound:a,sound:b", "/channels/c/play?media=sound:b,sound:a", False),
        ("/channels/c/play?media=sound:a", "/channels/d/play?media=sound:a", False),
        ("/bridges/b/addChannel?channel=x,y", "/bridges/b/addChannel?channel=y&channel=x", True),
        ("/bridges/b", "/bridges?bridgeId=other", True),
        ("/bridges/b", "/bridges?type=holding", False),
        ("/channels?endpoint=a&app=rig", "/channels/mine?endpoint=a&app=alias", True),
        ("/channels?endpoint=a&app=rig", "/channels?endpoint=a&app=other", False),
        ("/applications/rig/subscription?eventSource=a:b", "/applications/alias/subscription?eventSource=a:b", True),
        ("/channels/c/record?name=a&format=wav", "/channels/c/record?format=wav&name=b", True),
    ],
)
def test_what_asks_the_same_has_one_key(one: str, other: str, same: bool) -> None:
    """Whatever order, place, and ids of new things."""
    keys = []
    for target in (one, other):
        request = RestRequest("POST", target)
        route = find("POST", request.segments)
        assert route is not None
        keys.append(request_key(route, request, lambda name: {"alias": "rig"}.get(name, name)).compared)

    assert (keys[0] == keys[1]) is same
