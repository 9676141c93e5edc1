"""What belongs to one call, and what makes no difference."""

import json
from typing import Any

from arirecord.asterisk.rest_operations import find
from arirecord.replay.rest.messages import RestRequest
from arirecord.replay.rest.request_key import asked
from arirecord.replay.verify.compare import Request, compare
from arirecord.replay.verify.grouping import Grouping
from arirecord.replay.verify.rules import Rule, Rules

from .support import frame

UUID = "0b15e393-b22d-49c0-9dce-20a3ab4aeb34"
OTHER = "39f3781a-30ac-4a3c-a5a0-46744870a41d"
THEN_S, NOW_S = 1_795_488_611, 1_800_000_000


def request(text: str, body: Any = None, thing: str = "") -> Request:
    method, _, target = text.partition(" ")
    content = b"" if body is None else json.dumps(body).encode()
    question = RestRequest(method, target, content, "application/json")
    match = find(method, question.segments)
    assert match is not None
    return Request(asked(match, question), thing)


def start(channel: str, *args: str) -> dict[str, Any]:
    """A channel that comes to an application."""
    caller = {"name": "", "number": "10"}
    return {"type": "StasisStart", "args": list(args), "channel": {"id": channel, "state": "Up", "caller": caller}}


def grouped(events: list[dict[str, Any]], recorded: list[Request]) -> Grouping:
    grouping = Grouping()
    for number, event in enumerate(events):
        grouping.event(frame(number, number, json.dumps(event))._replace(type=event["type"]))
    for one in recorded:
        grouping.request(*one)
    grouping.finish()
    return grouping


def same(one: str, other: str, *rules: str) -> bool:
    """Whether two requests are the same to the rules."""
    rule = Rules([Rule.parse(text) for text in rules], lambda text: text == OTHER, (THEN_S, NOW_S))
    return rule.text(request(one).asked) == rule.text(request(other).asked)


def test_all_that_is_made_for_a_call_belongs_to_it() -> None:
    """Dialled channels, bridges, playbacks; not what another call does with the same bridge."""
    events: list[dict[str, Any]] = [
        start("a"),
        start("b"),
        start("dialled", "to", "a"),
        {"type": "Dial", "caller": {"id": "b"}, "peer": {"id": "called"}},
        {"type": "ChannelEnteredBridge", "channel": {"id": "b"}, "bridge": {"id": "shared"}},
    ]
    recorded = [
        request("POST /bridges", thing="own"),
        request("POST /bridges/own/addChannel?channel=a,dialled"),
        request("POST /channels/dialled/play?media=sound:x", thing="playback"),
        request("DELETE /playbacks/playback"),
        request("DELETE /bridges/own"),
        request("DELETE /channels/called"),
        request("POST /bridges/shared/addChannel?channel=a"),
        request("DELETE /bridges/shared"),
        request("GET /channels"),
    ]
    grouping = grouped(events, recorded)

    calls = [grouping.call(*one).channel_id for one in recorded]
    assert calls == ["a", "a", "a", "a", "a", "b", "a", "b", ""]
    assert str(grouping.call(*recorded[0])) == "call a of 10 to (unknown)"


def test_an_app_that_mixes_calls_up_is_told_so_in_each() -> None:
    """They stay two calls."""
    events = [start("a"), start("b")]
    recorded = [request(f"POST /channels/{channel}/answer") for channel in ("a", "b")]
    grouping = grouped(events, recorded)
    mixed = [*recorded, request("POST /bridges/x/addChannel?channel=a,b")]

    found = compare(recorded, mixed, grouping, Rules([], grouping.knows))
    assert [(call.call.channel_id, call.at) for call in found] == [("a", 1), ("b", None)]
    assert found[0].difference == ["  POST /channels/a/answer", "+ POST /bridges/x/addChannel?channel=a,b"]


def test_order_counts_unless_it_is_left_aside() -> None:
    """How often something is asked always does."""
    one, other = request("POST /channels/a/answer"), request("POST /channels/a/ring")
    grouping = grouped([start("a")], [one, other])
    rules = Rules([], grouping.knows)

    assert not compare([one, other], [other, one], grouping, rules)[0].is_same
    assert compare([one, other], [other, one], grouping, rules, any_order=True)[0].is_same
    assert not compare([one, other], [other, one, one], grouping, rules, any_order=True)[0].is_same


def test_what_is_another_each_time_makes_no_difference() -> None:
    """But ids of the recording, and numbers to call, do."""
    value = "POST /channels/a/variable?variable=X&value="

    assert same(f"{value}{UUID}", f"{value}{UUID.replace('0', '1')}")
    assert not same(f"{value}{UUID}", f"{value}{OTHER}")
    assert same(f"{value}at-2026-11-24T02:50:11Z", f"{value}at-2027-01-01 00:00")
    assert same(f"{value}{THEN_S + 5}", f"{value}{NOW_S}123")
    assert not same(f"{value}1512345678", f"{value}1512345679")
    assert not same(f"{value}{THEN_S}.1", f"{value}{THEN_S}.2")


def test_rules_leave_out_requests_and_parameters() -> None:
    """By patterns; a variable by its name."""
    assert same("POST /channels/a/ring", "POST /channels/b/hold", "POST /channels/*")
    assert not same("POST /channels/a/ring", "POST /channels/b/hold", "GET /channels/*", "* /bridges*")
    assert same("POST /channels/a/play?media=x&lang=de", "POST /channels/a/play?media=x", "* *?lang")
    rules = Rules([Rule.parse("POST /channels?variables.trace,timeout")], lambda text: False)
    wanted = [{"endpoint": "x", "timeout": n, "variables": {"a": "1", "trace": n}} for n in range(2)]
    texts = [rules.text(request("POST /channels", body).asked) for body in wanted]
    assert texts == ['POST /channels?endpoint=x {"variables":{"a":"1"}}'] * 2
