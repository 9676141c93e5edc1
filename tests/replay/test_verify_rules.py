"""What belongs to one call, and what makes no difference."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.asterisk.rest_operations import find
from arirecord.replay.rest.messages import RestRequest
from arirecord.replay.rest.request_key import request_key
from arirecord.replay.verify import learned
from arirecord.replay.verify.compare import Compared, Limits, compare
from arirecord.replay.verify.grouping import Grouping, Request
from arirecord.replay.verify.reactions import Reactions
from arirecord.replay.verify.rules import Rule, Rules

from .support import frame

UUID = "0b15e393-b22d-49c0-9dce-20a3ab4aeb34"
OTHER = "39f3781a-30ac-4a3c-a5a0-46744870a41d"
THEN_S, NOW_S = 1_795_488_611, 1_800_000_000


def request(text: str, body: Any = None, created_id: str = "") -> Request:
    method, _, target = text.partition(" ")
    content = b"" if body is None else json.dumps(body).encode()
    request = RestRequest(method, target, content, "application/json")
    route = find(method, request.segments)
    assert route is not None
    return Request(request_key(route, request), created_id)


def start(channel: str, *args: str) -> dict[str, Any]:
    """A channel that comes to an application."""
    caller = {"name": "", "number": "10"}
    return {"type": "StasisStart", "args": list(args), "channel": {"id": channel, "state": "Up", "caller": caller}}


def grouped(events: list[dict[str, Any]], recorded: list[Request]) -> Grouping:
    grouping = Grouping()
    for number, event in enumerate(events):
        grouping.event(frame(number, number, json.dumps(event))._replace(type=event["type"]))
    for one in recorded:
        grouping.request(one.key, one.created_id)
    grouping.finish()
    return grouping


def same(one: str, other: str, *rules: str) -> bool:
    """Whether two requests are the same to the rules."""
    rule = Rules([Rule.parse(text) for text in rules], lambda text: text == OTHER, (THEN_S, NOW_S))
    return rule.text(request(one).key) == rule.text(request(other).key)


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
        request("POST /bridges", created_id="own"),
        request("POST /bridges/own/addChannel?channel=a,dialled"),
        request("POST /channels/dialled/play?media=sound:x", created_id="playback"),
        request("DELETE /playbacks/playback"),
        request("DELETE /bridges/own"),
        request("DELETE /channels/called"),
        request("POST /bridges/shared/addChannel?channel=a"),
        request("DELETE /bridges/shared"),
        request("GET /channels"),
    ]
    grouping = grouped(events, recorded)

    calls = [grouping.call(one.key, one.created_id).channel_id for one in recorded]
    assert calls == ["a", "a", "a", "a", "a", "b", "a", "b", ""]
    assert str(grouping.call(recorded[0].key, recorded[0].created_id)) == "call a of 10 to (unknown)"


@pytest.mark.parametrize("caller_first", [True, False])
def test_a_media_leg_is_part_of_the_call_in_its_bridge(caller_first: bool) -> None:
    """Whichever comes first, and whether events or requests show it."""
    members = ("a", "media")[:: 1 if caller_first else -1]
    recorded = [
        request("POST /bridges", created_id="bridge"),
        request("POST /channels/externalMedia?app=x&format=ulaw&external_host=10.0.0.1:5000", created_id="media"),
        request("POST /channels/create?endpoint=WebSocket/INCOMING/c(ulaw)&app=x", created_id="socket"),
        *(request(f"POST /bridges/bridge/addChannel?channel={channel}") for channel in members),
        request("POST /bridges/bridge/addChannel?channel=socket"),
        request("DELETE /channels/media"),
        request("DELETE /channels/socket"),
    ]
    entered = {"type": "ChannelEnteredBridge", "bridge": {"id": "second"}}
    audio = {"id": "audio", "name": "AudioSocket/10.0.0.1-1"}
    order = [{**entered, "channel": channel} for channel in ({"id": "b"}, audio)[:: 1 if caller_first else -1]]
    grouping = grouped([start("a"), start("b"), *order], recorded)

    assert {grouping.call(one.key, one.created_id).channel_id for one in recorded} == {"a"}
    hangup = request("DELETE /channels/audio")
    assert grouping.call(hangup.key, "").channel_id == "b"


def test_an_app_that_mixes_calls_up_is_told_so_in_each() -> None:
    """They stay two calls."""
    events = [start("a"), start("b")]
    recorded = [request(f"POST /channels/{channel}/answer") for channel in ("a", "b")]
    grouping = grouped(events, recorded)
    mixed = [*recorded, request("POST /bridges/x/addChannel?channel=a,b")]

    found = compare(recorded, mixed, grouping, Rules([], grouping.knows))
    assert [(call.call.channel_id, [hunk.at for hunk in call.hunks]) for call in found] == [("a", [1]), ("b", [])]
    added = [f"+ POST /bridges/x/addChannel?channel={channel}" for channel in "ab"]
    assert found[0].hunks[0].lines == ["  POST /channels/a/answer", *added]


def test_order_counts_unless_it_is_left_aside() -> None:
    """How often something is asked always does."""
    one, other = request("POST /channels/a/answer"), request("POST /channels/a/ring")
    grouping = grouped([start("a")], [one, other])
    rules = Rules([], grouping.knows)

    assert not compare([one, other], [other, one], grouping, rules)[0].is_same
    assert compare([one, other], [other, one], grouping, rules, Limits(any_order=True))[0].is_same
    assert not compare([one, other], [other, one, one], grouping, rules, Limits(any_order=True))[0].is_same


def test_a_channel_that_never_came_belongs_to_the_call_that_its_arguments_name() -> None:
    recorded = [request("POST /channels?endpoint=PJSIP/2&app=x&appArgs=dialed,a", created_id="dialled")]
    recorded.append(request("DELETE /channels/dialled"))
    grouping = grouped([start("a")], recorded)
    assert [grouping.call(one.key, one.created_id).channel_id for one in recorded] == ["a", "a"]


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
    texts = [rules.text(request("POST /channels", body).key) for body in wanted]
    assert texts == ['POST /channels?endpoint=x {"variables":{"a":"1"}}'] * 2


NEW_EACH_TIME = [
    ("call_0b15e393-b22d-49c0-9dce-20a3ab4aeb35_in", "call_7d15e393-b22d-49c0-9dce-20a3ab4aeb99_in"),
    ("0b15e393b22d49c09dce20a3ab4aeb35", "7d15e393b22d49c09dce20a3ab4aeb99"),
    ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ"),
    ("bridge-3f9a01bc", "bridge-77e0d14b"),
    (f"rec-{THEN_S + 7}.wav", f"rec-{NOW_S + 3}.wav"),
    (f"{THEN_S}_1003", f"{NOW_S}_1003"),
    (f"{THEN_S}.123456", f"{NOW_S}.0071"),
    (f"{THEN_S}123456", f"{NOW_S}654321"),
    ("2026-11-26", "2027-01-15"),
    ("20261124-170631", "20270115-080909"),
    ("calls/2026/11/24/x", "calls/2027/01/15/x"),
    ("15.01.2027 12:00", "24.11.2026 11:59"),
    ("at 17:06:31", "at 08:09:09"),
    ("10.0.0.1:40123", "10.0.0.1:59999"),
    ("0b15e393_b22d_49c0_9dce_20a3ab4aeb35", "7d15e393_b22d_49c0_9dce_20a3ab4aeb99"),
    ("<Call at 0x7f897ffa3a98>", "<Call at 0x734123453498>"),
    ("1577018313607153050", "1577018401689926552"),
    ("261124-170631", "270115-080909"),
]


@pytest.mark.parametrize(("one", "other"), NEW_EACH_TIME, ids=[one for one, _ in NEW_EACH_TIME])
def test_values_that_are_new_each_time_make_no_difference(one: str, other: str) -> None:
    value = "POST /channels/a/variable?variable=X&value="

    assert same(value + one, value + other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1001", "1002"),
        ("+420731111016", "+420731111017"),
        ("10.0.0.1:5060", "10.0.0.1:5061"),
        ("sound:vm-goodbye", "sound:vm-password"),
        ("20000101", "20000102"),
        ("111111-222222", "111112-222222"),
        ("4111111111111111", "4012888888881881"),
        ("0xff", "0xfe"),
        ("queue-1", "queue-2"),
        (OTHER, UUID),
    ],
)
def test_other_values_are_compared(one: str, other: str) -> None:
    value = "POST /channels/a/variable?variable=X&value="

    assert not same(value + one, value + other)


def test_an_id_chosen_in_the_same_request_makes_no_difference() -> None:
    def originate(ticket: str) -> str:
        return f"POST /channels?endpoint=PJSIP/1&app=a&appArgs=dialed,{ticket}&channelId={ticket}"

    assert same(originate("ticket-1"), originate("ticket-2"))
    assert not same(originate("ticket-1"), originate("ticket-2").replace("PJSIP/1", "PJSIP/2"))


def test_an_empty_parameter_makes_no_difference_unless_strict() -> None:
    plain, empty = request("POST /channels/c/play?media=sound:x"), request("POST /channels/c/play?media=sound:x&lang=")
    texts = [Rules([], lambda text: False, strict=strict).text(empty.key) for strict in (False, True)]

    assert texts == [Rules([], lambda text: False).text(plain.key), "POST /channels/c/play?lang=&media=sound:x"]


def test_a_parameter_with_its_default_value_makes_no_difference_unless_strict() -> None:
    default = f"{PLAY}&lang=en&skipms=3000"

    assert same(PLAY, default)
    assert same("POST /bridges", "POST /bridges?type=mixing")
    assert not same("POST /bridges", "POST /bridges?type=holding")
    strict = Rules([], lambda text: False, strict=True)
    assert strict.text(request(PLAY).key) != strict.text(request(default).key)


def timed(text: str, begun: float, ended: float, **fields: Any) -> Request:
    """A request with its times in seconds."""
    return request(text)._replace(begun_ns=int(begun * 1e9), ended_ns=int(ended * 1e9), **fields)


def compared(recorded: list[Request], request_key: list[Request], limits: Limits = Limits()) -> list[str]:  # noqa: B008
    """The lines of the difference, without headings and equal requests."""
    grouping = grouped([start("a")], recorded)
    rules = Rules([], grouping.knows, strict=limits.strict)
    calls = compare(recorded, request_key, grouping, rules, limits)
    return [line for call in calls for line in call.lines() if line[0] in "+-!"]


ANSWER, RING, PLAY = (f"POST /channels/a/{name}" for name in ("answer", "ring", "play?media=x"))


def test_the_order_is_that_of_requests_and_not_of_responses() -> None:
    """The new app does not wait for the response to the first request; a replay answers both in the recorded order."""
    recorded = [timed(RING, 0, 1), timed(ANSWER, 2, 3)]
    exchanged = [timed(RING, 0.2, 1), timed(ANSWER, 0, 3)]

    assert compared(recorded, exchanged) == [f"+ {ANSWER}", f"- {ANSWER}"]


def test_requests_in_flight_together_have_no_order() -> None:
    together = [timed(ANSWER, 0, 5), timed(RING, 2, 8), timed(PLAY, 9, 10)]
    one_by_one = [timed(ANSWER, 0, 1), timed(RING, 2, 8), timed(PLAY, 9, 10)]
    exchanged = [timed(RING, 0, 1), timed(ANSWER, 1, 2), timed(PLAY, 9, 10)]

    assert compared(together, exchanged) == []
    assert sorted(compared(one_by_one, exchanged)) == [f"+ {RING}", f"- {RING}"]
    assert compared(one_by_one, exchanged, Limits(any_order=True)) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8), st.randoms())
def test_any_order_that_the_times_allow_makes_no_difference(times: list[tuple[int, int]], random: Random) -> None:
    recorded = [timed(f"POST /channels/a/dtmf?dtmf={n}", at, at + length) for n, (at, length) in enumerate(times)]
    request_key: list[Request] = []
    left = list(recorded)
    while left:
        first = [one for one in left if not any(other.ended_ns <= one.begun_ns for other in left)]
        request_key.append(random.choice(first))
        left.remove(request_key[-1])

    assert compared(recorded, request_key) == []


def test_every_difference_is_listed() -> None:
    recorded = [timed(text, n, n) for n, text in enumerate([ANSWER, RING, PLAY, ANSWER, RING])]
    leaked = [timed(text, n, n) for n, text in enumerate([RING, PLAY, ANSWER, PLAY, RING])]

    assert compared(recorded, leaked) == [f"- {ANSWER}", f"+ {PLAY}"]


def test_what_has_no_effect_makes_no_difference_unless_strict() -> None:
    """A query more; a request that failed and was repeated, also if less often; two channels added one by one."""
    both = "POST /bridges/b/addChannel?channel=a,c"
    gone = [timed(PLAY, n, n, status=404) for n in (5, 6, 7)]
    recorded = [timed(both, 0, 1), timed(RING, 2, 3), *gone]
    harmless = [
        timed("POST /bridges/b/addChannel?channel=a", 0, 1),
        timed("POST /bridges/b/addChannel?channel=c", 1, 2),
        timed("GET /channels/a", 2, 3),
        timed(RING, 3, 4, status=500),
        timed(RING, 4, 5),
        *gone[:2],
    ]

    assert compared(recorded, harmless) == []
    assert compared(recorded, harmless[:-2]) == [f"- {PLAY}"]
    assert len(compared(recorded, harmless, Limits(strict=True))) == 6


def test_a_recorded_query_may_come_at_further_places() -> None:
    """But not at another place, also if it comes there twice."""
    query = "GET /channels/a"
    recorded = [timed(text, n, n) for n, text in enumerate([ANSWER, query, RING])]

    def differences(*texts: str) -> list[str]:
        return compared(recorded, [timed(text, n, n) for n, text in enumerate(texts)])

    assert differences(query, ANSWER, query, RING, query) == []
    assert differences(query, ANSWER, RING) == [f"+ {query}", f"- {query}"]
    assert differences(query, query, ANSWER, RING) == [f"+ {query}", f"- {query}"]
    assert differences(ANSWER, RING, query) == [f"+ {RING}", f"- {RING}"]


def test_a_recorded_query_may_come_again_at_its_place() -> None:
    recorded = [timed(text, n, n) for n, text in enumerate([ANSWER, "GET /channels/a", RING, "GET /channels/a"])]
    again = [*recorded[:2], *recorded[1:]]

    assert compared(recorded, again) == []


def test_a_request_that_succeeds_in_the_end_may_fail_less_often_before() -> None:
    """Polling, and a retry: failures that are left out do not stand for the success."""
    polled = [timed(RING, n, n, status=404) for n in range(5)] + [timed(RING, 6, 6), timed(PLAY, 7, 7)]

    assert compared(polled, polled[4:]) == []
    assert compared(polled, polled[5:]) == []
    assert compared(polled, polled[:2] + polled[5:]) == []
    assert compared(polled, polled[6:]) == [f"- {RING}"]
    assert compared([*polled[4:], timed(RING, 8, 8)], polled[4:]) == [f"- {RING}"]
    between = [timed(RING, 0, 0, status=404), timed(ANSWER, 1, 1), timed(RING, 2, 2, status=404)]
    assert compared(between, between[:2]) == []


def test_how_often_an_app_repeats_a_request_is_learned_if_it_varies() -> None:
    """A request that both runs repeat is a change of the app; one that is missing is a difference in any case."""

    def calls(asked: list[str], *rules: str) -> list[Compared]:
        known = Rules([Rule.parse(rule) for rule in rules], grouping.knows)
        return compare(recorded, [timed(text, n, n) for n, text in enumerate(asked)], grouping, known)

    recorded = [timed(text, n, n) for n, text in enumerate([ANSWER, ANSWER, RING, PLAY, PLAY])]
    grouping = grouped([start("a")], recorded)
    first, second = [ANSWER, RING, RING, PLAY, PLAY], [ANSWER, ANSWER, ANSWER, RING, RING, PLAY, PLAY]
    (rule,) = learned(calls(first), calls(second))

    assert rule == "repeated POST /channels/*/answer"
    assert [call.lines()[-1] for call in calls(second, rule)] == [f"+ {RING}"]
    assert [call.lines()[-1] for call in calls(first[1:2] + first[3:], rule)] == [f"- {ANSWER}"]


def lateness(
    events: list[tuple[float, float, dict[str, Any]]],
    recorded: list[Request],
    request_key: list[Request],
    limits: Limits = Limits(),  # noqa: B008
    lines: bool = False,
) -> list[str]:
    """What is said of times, with `lines` of anything. Each event has its recorded time, and that of the replay."""
    frames = [
        frame(number, 0, json.dumps(event))._replace(type=event["type"], t_ns=int(was_s * 1e9))
        for number, (was_s, _, event) in enumerate(events)
    ]
    sent = [((one.t_ns, one.seq), int(is_s * 1e9)) for one, (_, is_s, _) in zip(frames, events, strict=True)]
    grouping = grouped([event for _, _, event in events], recorded)
    reactions = Reactions(frames, "app", grouping, recorded, sent)
    calls = compare(recorded, request_key, grouping, Rules([], grouping.knows), limits, reactions)
    return [text for call in calls for text in (call.lines() if lines else call.late)]


def test_tasks_of_an_app_that_handle_a_channel_each_have_no_order() -> None:
    """A task reacts to its channel. A request much later, or of an app that sends one after the other, has an order."""

    def differs(order: str, task_s: float = 0.1, overlap_s: float = 0) -> bool:
        recorded = [
            timed(ANSWER, 1, 1.1),
            timed(PLAY, 1.2, 1.3),
            timed("POST /channels/b/ring", 1 + task_s + 0.31, 1 + task_s + 0.32),
            timed(RING, 9, 9.1 + overlap_s),
            timed("POST /channels/b/answer", 9.11, 9.2),
            timed("POST /channels/a/snoop?app=x&appArgs=b", 9.3, 9.4, created_id="b"),  # they are one call
        ]
        live = [recorded[int(number)]._replace(begun_ns=n, ended_ns=n) for n, number in enumerate(order, 1)]
        starts = [(0.99, 0.0, start("a")), (1.05, 0.0, start("b"))]
        return bool(lateness(starts, recorded, live, Limits(max_delay_s=100), lines=True))

    assert not differs("012345", overlap_s=0.1)
    assert not differs("021345", overlap_s=0.1)
    assert not differs("201345", overlap_s=0.1)
    assert differs("102345", overlap_s=0.1)  # of one task
    assert differs("021345")  # no tasks
    assert differs("021345", task_s=0.5, overlap_s=0.1)  # too late for a reaction to its channel


def finished(channel: str) -> dict[str, Any]:
    return {"type": "PlaybackFinished", "playback": {"id": f"p-{channel}", "target_uri": f"channel:{channel}"}}


PLAY_B = "POST /channels/b/play?media=x"
TASKS = [timed("POST /channels/a/ring", 1.2, 1.4), timed("POST /channels/b/ring", 1.3, 1.4)]


def test_tasks_react_to_the_ends_of_their_playbacks() -> None:
    events = [(1.0, 1.0, start("a")), (1.05, 1.0, start("b", "to", "a")), (8.0, 2.0, finished("a"))]
    events.append((8.001, 2.0, finished("b")))
    recorded = [*TASKS, timed(PLAY, 8.01, 8.02), timed(PLAY_B, 8.03, 8.04)]
    live = [*TASKS, timed(PLAY_B, 2.01, 2.02), timed(PLAY, 2.03, 2.04)]

    assert lateness(events, recorded, live, lines=True) == []


def test_requests_of_a_task_keep_their_order_whatever_calls_overlap() -> None:
    """The app reacts to a channel with a request for another one first: that one had no event of its own."""
    events = [(1.0, 1.0, start("a")), (1.0, 1.0, start("c")), (4.99, 2.0, start("b", "to", "a"))]
    other_call = "POST /channels/c/ring"
    recorded = [timed(ANSWER, 5.01, 5.02), timed(other_call, 5.015, 5.018), timed(PLAY_B, 5.03, 5.04)]
    live = [timed(PLAY_B, 2.01, 2.02), timed(other_call, 2.02, 2.021), timed(ANSWER, 2.03, 2.04)]

    assert lateness(events, recorded, recorded, Limits(max_delay_s=100), lines=True) == []
    found = lateness(events, recorded, live, Limits(max_delay_s=100), lines=True)
    assert [line for line in found if line[0] in "+-"] == [f"+ {PLAY_B}", f"- {PLAY_B}"]


def test_any_request_in_flight_shows_tasks() -> None:
    """Not only the one before."""
    events = [(0.99, 1.0, start("a")), (1.05, 1.0, start("b", "to", "a"))]
    recorded = [timed(ANSWER, 1, 1.5), timed(PLAY, 1.1, 1.2), timed("POST /channels/b/ring", 1.3, 1.4)]
    live = [timed(ANSWER, 1, 1.1), timed("POST /channels/b/ring", 1.2, 1.3), timed(PLAY, 1.4, 1.5)]

    assert lateness(events, recorded, live, lines=True) == []


@pytest.mark.parametrize("order", ["abqpq", "qabqp", "abqqp", "aqbqp", "abqp"])
def test_a_query_may_come_at_further_places_beside_tasks(order: str) -> None:
    texts = {"a": ANSWER, "q": "GET /channels/a", "b": PLAY_B, "p": PLAY}
    events = [(1.0, 1.0, start("a")), (1.05, 1.0, start("b", "to", "a"))]

    def course(letters: str) -> list[Request]:
        return [*TASKS, *(timed(texts[one], 1.5 + n / 10, 1.55 + n / 10) for n, one in enumerate(letters))]

    assert lateness(events, course("aqbp"), course(order), lines=True) == []


def key(channel: str) -> dict[str, Any]:
    return {"type": "ChannelDtmfReceived", "digit": "1", "channel": {"id": channel}}


OTHER_CALL = "POST /channels/b/answer"


def test_a_request_that_comes_later_or_earlier_is_named() -> None:
    events = [(1.0, 1.0, start("a")), (5.0, 3.1, key("a"))]
    recorded = [timed(ANSWER, 1.01, 1.02), timed(RING, 5.02, 5.03), timed(PLAY, 8, 8.1)]
    slow = [timed(ANSWER, 3.02, 3.03), timed(RING, 3.12, 3.13), timed(PLAY, 6.1, 6.2)]
    hasty = [timed(ANSWER, 1.01, 1.02), timed(RING, 3.12, 3.13), timed(PLAY, 3.14, 3.15)]

    assert lateness(events, recorded, slow) == [f"{ANSWER}: 2.01 s too late, 2.02 s after StasisStart; recorded 0.01 s"]
    assert lateness(events, recorded, slow, Limits(max_delay_s=3)) == []
    (early,) = lateness(events, recorded, hasty)
    assert early == f"{PLAY}: 2.96 s too early, 0.01 s after the response to POST ring; recorded 2.97 s"


def test_a_timer_of_an_app_is_measured_from_what_started_it() -> None:
    """A replay shortens the time between events, but no timer of the app."""
    between = [(1.0, 1.0, start("a")), (7.0, 1.05, key("a"))]
    assert lateness(between, [timed(RING, 9, 9.1)], [timed(RING, 9.1, 9.2)]) == []

    two_calls = [(1.0, 1.0, start("a")), (4.0, 1.02, start("b"))]
    recorded = [timed(ANSWER, 9.0, 9.1), timed(OTHER_CALL, 12.0, 12.1)]
    assert lateness(two_calls, recorded, [timed(ANSWER, 9.0, 9.1), timed(OTHER_CALL, 9.05, 9.15)]) == []


def test_of_two_requests_at_once_none_is_early_because_the_other_was_answered() -> None:
    """The recorded app sent both when a timer ran out; now the response to the first comes before the second."""
    recorded = [timed(ANSWER, 3.0, 3.02), timed(RING, 3.01, 3.03)]
    now = [timed(ANSWER, 3.0, 3.005), timed(RING, 3.01, 3.02)]
    assert lateness([(1.0, 1.0, start("a"))], recorded, now) == []


def test_events_before_its_cause_excuse_no_late_reaction() -> None:
    """Many earlier events of the call cover all times. A timer that runs out as an event comes has its time exactly."""
    events = [(1.0, 1.0, start("a")), *((1.2 + 0.4 * n, 1.0, key("a")) for n in range(20))]
    recorded = [timed(ANSWER, 8.81, 8.82)]

    (late,) = lateness(events, recorded, [timed(ANSWER, 5.21, 5.22)])
    assert late == f"{ANSWER}: 4.20 s too late, 4.21 s after ChannelDtmfReceived; recorded 0.01 s"
    assert lateness(events, recorded, [timed(ANSWER, 8.82, 8.83)]) == []


def test_a_request_may_follow_an_event_of_another_call() -> None:
    """An agent is free: the next caller, who waited for long, is connected."""
    events = [(1.0, 1.0, start("a")), (100.0, 1.1, {**key("b"), "type": "ChannelDestroyed"})]
    assert lateness(events, [timed(ANSWER, 100.1, 100.2)], [timed(ANSWER, 1.2, 1.3)]) == []


def test_an_event_of_another_call_excuses_no_late_request() -> None:
    events = [(1.0, 1.0, start("a")), (1.5, 1.0, start("b")), (2.2, 5.0, {**key("b"), "type": "ChannelDestroyed"})]
    (late,) = lateness(events, [timed(ANSWER, 3, 3.1)], [timed(ANSWER, 5.1, 5.2)])
    assert "2.10 s too late, 4.10 s after StasisStart; recorded 2.00 s" in late


def test_a_request_that_does_not_wait_for_its_event_is_early() -> None:
    """Hanging up at once, and not when the prompt has ended: that is not sent yet."""
    events = [(1.0, 1.0, start("a")), (6.0, 1.2, {**key("a"), "type": "PlaybackFinished"})]
    recorded = [timed(PLAY, 1.01, 1.02), timed(RING, 6.01, 6.02)]
    (early,) = lateness(events, recorded, [timed(PLAY, 1.01, 1.02), timed(RING, 1.03, 1.04)])
    assert early == f"{RING}: 4.98 s too early, 0.01 s after the response to POST play; recorded 4.99 s"
