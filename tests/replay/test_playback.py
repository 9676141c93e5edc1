"""The core of a replay, without sockets: events go in, and the commands that come out are carried out by the test."""

from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.errors import ReplayError
from arirecord.replay import events
from arirecord.replay.pbx.state import PbxState
from arirecord.replay.rest.recorded_exchanges import RecordedRest
from arirecord.select.times import Position

from .world import START_NS, Listener, S, World, command_at, event, every_second

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["wait", "wait", "wait", "pause", "resume", "step", "speed", "max", "come", "go", "break", "get"]
        ),
        st.integers(1, 3 * S),
    ),
    max_size=40,
)


@given(st.lists(st.integers(0, 2 * S), min_size=1, max_size=60), STEPS, st.integers(1, 70))
def test_clients_receive_the_recording_in_order_once_and_never_early(
    gaps: list[int], steps: list[tuple[str, int]], piece: int
) -> None:
    """One after the other, whatever the user and the network do: all frames, each once, none before its time."""
    frames = [event(n, at_ns) for n, at_ns in enumerate(accumulate(gaps))]
    world = World(frames, piece=piece, on_reconnect="resume")
    everyone: list[Listener] = []
    here: Listener | None = None

    for step, number in steps:
        match step:
            case "wait":
                world.now.ns += number
            case "pause":
                world.take(events.Pause())
            case "resume":
                world.take(events.Resume())
            case "step":
                world.take(events.Step())
            case "speed":
                world.take(events.SetSpeed(number / S))
            case "max":
                world.take(events.SetSpeed(None))
            case "come" if here is None:
                here = world.connect()
                everyone.append(here)
            case "go" | "break" if here is not None:
                here.is_broken = step == "break"
                world.run()
                world.take(events.ClientLeft(here))
                here = None
            case "get":
                world.ask("GET", "/channels")
        world.run()
    world.take(events.Resume())
    world.take(events.SetSpeed(None))
    everyone.append(here or world.connect())
    world.run()

    everyone = list(dict.fromkeys(everyone))
    assert [n for client in everyone for n in client.numbers] == list(range(len(frames)))
    late = [
        (frames[n].elapsed_ns, at) for client in everyone for n, at in zip(client.numbers, client.at_ns, strict=True)
    ]
    assert all(at_ns >= due_ns for due_ns, at_ns in late)
    assert len(world.of(events.Respond)) == len([1 for step, _ in steps if step == "get"])


@given(
    st.lists(st.sampled_from("abc"), max_size=50), st.lists(st.sampled_from(["a", "b", "c", "ab", "abc"]), max_size=4)
)
def test_each_client_receives_the_events_of_its_applications_in_order(owners: list[str], wanted: list[str]) -> None:
    """Clients of any applications at once, each in the order of the recording."""
    owners = [*"abc", *owners]
    world = World([event(n, n * S, app) for n, app in enumerate(owners)], speed=None, share=True)
    world.take(events.Pause())
    clients = [(apps, world.connect(apps, tuple(apps))) for apps in wanted]
    world.take(events.Resume())
    world.run()

    for apps, client in clients:
        assert client.numbers == [n for n, app in enumerate(owners) if app in apps]


@pytest.mark.parametrize("speed", [1, None])
@pytest.mark.parametrize("target_s", [0, 3, 7, 100])
def test_a_seek_continues_at_its_position(speed: float | None, target_s: int) -> None:
    world = World(every_second(10), speed=speed)
    client = world.connect()
    world.run()
    world.pass_s(5.5)
    before = len(client.numbers)

    world.take(events.Seek(Position(START_NS + target_s * S)))
    world.run()
    world.pass_s(20)

    assert client.numbers[before:] == list(range(target_s, 10))
    assert world.of(events.EndReached)


def test_after_a_seek_no_frame_is_sent_before_its_state_is_there() -> None:
    world = World(every_second(10))
    world.is_reading = False
    client = world.connect()
    world.run()
    world.take(events.Seek(Position(START_NS + 5 * S)))
    world.pass_s(30)
    request = world.ask("GET", "/channels")

    assert client.numbers == [0]
    assert world.of(events.Respond) == []

    world.take(events.StateBuilt(world.builds[-1], PbxState()))
    world.run()

    assert [respond.to for respond in world.of(events.Respond)] == [request]
    assert client.numbers == [0, 5]


def test_a_second_seek_makes_the_state_of_the_first_one_useless() -> None:
    world = World(every_second(10))
    world.is_reading = False
    client = world.connect()
    world.run()
    for to_s in (5, 8):
        world.take(events.Seek(Position(START_NS + to_s * S)))
        world.run()
    first, second = world.builds

    world.take(events.StateBuilt(first, PbxState()))
    world.run()
    assert client.numbers == [0]

    world.take(events.StateBuilt(second, PbxState()))
    world.run()
    assert client.numbers == [0, 8]


def test_a_state_that_can_not_be_read_is_an_answer_or_the_end() -> None:
    """A request for it is answered with the reason; a seek can't continue."""
    world = World(every_second(3), speed=None)
    world.is_reading = False
    world.connect()
    world.run()
    world.ask("GET", "/channels")
    world.take(events.StateBuilt(world.builds[-1], error="the session can't be read: it is short"))

    assert [respond.response.status for respond in world.of(events.Respond)] == [503]

    world = World(every_second(3))
    world.is_reading = False
    world.take(events.Seek(Position(START_NS + S)))
    world.run()
    with pytest.raises(ReplayError, match="it is short"):
        world.take(events.StateBuilt(world.builds[-1], error="it is short"))


def test_requests_at_full_speed_are_answered_in_order_after_one_reading() -> None:
    """And what needs no state does not wait for it."""
    world = World(every_second(3), speed=None)
    world.is_reading = False
    world.connect()
    world.run()
    asked = [world.ask("GET", target) for target in ("/channels", "/bridges", "/channels/x")]
    document = world.ask("GET", "/api-docs/resources.json")

    assert [respond.to for respond in world.of(events.Respond)] == [document]
    assert len(world.builds) == 1

    world.take(events.StateBuilt(world.builds[0], PbxState()))

    assert [respond.to for respond in world.of(events.Respond)] == [document, *asked]
    assert world.builds[0].count == 3


def test_a_step_sends_one_event_and_only_to_somebody() -> None:
    world = World(every_second(5), start_paused=True)
    world.take(events.Step())
    world.pass_s(60)
    client = world.connect()
    world.run()
    assert client.numbers == [0]

    world.take(events.Step())
    world.take(events.Step())
    world.run()
    assert client.numbers == [0, 1, 2]


def test_one_turn_sends_a_bounded_number_of_frames() -> None:
    """A client that does not read leaves its command undone; no more than one turn waits for it in memory."""
    world = World([event(n, 0) for n in range(5000)], speed=None, piece=1000)
    world.connect()
    world.run()
    sizes = [len(send.payloads) for send in world.of(events.Send)]

    assert sum(sizes) == 5000
    assert max(sizes) <= 256


def test_a_batch_that_reached_one_of_two_clients_is_not_sent_again() -> None:
    world = World(every_second(2), share=True)
    steady, broken = world.connect("steady"), world.connect("broken")
    broken.is_broken = True
    world.run()
    world.take(events.ClientLeft(broken))
    world.pass_s(5)

    assert steady.numbers == [0, 1]
    assert broken.numbers == []
    assert world.of(events.Report)[-2].text == "Client broken has gone, after 0 frames."


def test_the_clock_runs_only_while_a_client_can_receive() -> None:
    world = World(every_second(10))
    world.pass_s(100)
    assert world.clock.position_ns() == 0
    client = world.connect()
    world.run()
    world.pass_s(2.5)
    world.take(events.ClientLeft(client))
    world.pass_s(100)
    assert world.clock.position_ns() == int(2.5 * S)


@pytest.mark.parametrize("speed", [1, None])
def test_a_filter_holds_from_the_next_event_on(speed: float | None) -> None:
    """Set by a request, over the same list of events and commands."""
    frames = [event(n, n * S, kind="Dial" if n % 2 else "ChannelCreated") for n in range(6)]
    world = World(frames, speed=speed, start_paused=True)
    client = world.connect()
    for _ in range(2):
        world.take(events.Step())
    world.run()
    world.ask("PUT", "/applications/app/eventFilter", b'{"disallowed": [{"type": "Dial"}]}')
    world.take(events.Resume())
    world.pass_s(20)

    assert client.numbers == [0, 1, 2, 4]


def test_responses_and_the_events_after_them_are_one_list() -> None:
    """At the client's pace: events up to a request, its response, the events that it caused."""
    rest = RecordedRest(applications=["app"], exchanges=[command_at(1.5, "/ari/channels/c/ring")])
    world = World(every_second(4), rest, speed=None, pace="client", pace_timeout_s=60, pace_settle_s=0)
    client = world.connect()
    world.run()
    assert client.numbers == [0, 1]

    world.ask("POST", "/channels/c/ring")
    world.run()

    assert client.numbers == [0, 1, 2, 3]
    order = [type(command) for command in world.log if isinstance(command, events.Send | events.Respond)]
    assert order.index(events.Respond) == len(order) - 2


def test_a_silent_client_is_waited_for_shorter_each_time() -> None:
    times_s = [n + 0.5 for n in range(8)]
    rest = RecordedRest(applications=["app"], exchanges=[command_at(t, f"/ari/channels/{t}/ring") for t in times_s])
    world = World(every_second(9), rest, speed=None, pace="client", pace_timeout_s=64, pace_settle_s=0)
    client = world.connect()
    waits = []
    world.run()
    while world.wake_ns is not None:
        waits.append((world.wake_ns - world.now.ns) / S)
        world.now.ns = world.wake_ns
        world.run()

    reaction_s = 0.5
    assert waits == [(64 + reaction_s) / halved for halved in (1, 2, 4, 8, 16, 32, 64, 64)]
    assert client.numbers == list(range(9))
    assert len([r for r in world.of(events.Report) if "did not send" in r.text]) == 8


def test_a_client_has_a_moment_after_it_has_connected_before_the_first_event() -> None:
    """Its own thread may register for events only then. It is as long as recorded: the app may do something in it."""
    for connected_ms, wait_ms in ((8950, 50), (0, 250), (9500, 0), (None, 0)):
        frames = [event(0, 9 * S), event(1, 9 * S + 1)]
        connected_ns = None if connected_ms is None else START_NS + connected_ms * S // 1000
        rest = RecordedRest(applications=["app"], connected_ns=connected_ns)
        rest.exchanges.append(command_at(99, "/ari/channels/c/ring", seq=2))
        world = World(frames, rest, speed=None, pace="client", pace_settle_s=0.02)
        client = world.connect()
        world.pass_ns(max(wait_ms * S // 1000 - 1, 0))
        assert client.numbers == ([] if wait_ms else [0, 1])
        world.pass_ns(1)
        assert client.numbers == [0, 1]


def test_an_event_before_the_first_request_of_a_starting_app_waits_for_it() -> None:
    """A slow client registers for events when it starts, as late as it sends that request."""
    for first, asks, sent_ms in (("bridges", True, 400), ("bridges", False, 1000), ("channels/c/answer", False, 10)):
        rest = RecordedRest(applications=["app"], connected_ns=START_NS + S)
        rest.exchanges.append(command_at(1.02, f"/ari/{first}", seq=2))
        world = World([event(0, S + S // 100), event(5, 9 * S)], rest, speed=None, pace="client", pace_settle_s=0.02)
        client = world.connect()
        world.pass_ns(sent_ms * S // 1000 - 1)
        assert client.numbers == []
        if asks:
            world.ask("POST", f"/{first}")
            world.run()
        else:
            world.pass_ns(1)
        assert client.numbers == [0]


def test_the_moment_after_a_response_is_as_long_as_recorded_within_limits() -> None:
    """An app may register for an event only when the response is there."""
    for gap_ms, wait_ms in ((1, 20), (50, 50), (900, 900), (9000, 1000)):
        frames = [event(0, 0), event(2, S + gap_ms * S // 1000)]
        rest = RecordedRest(applications=["app"], exchanges=[command_at(1, "/ari/channels/c/ring", seq=1)])
        world = World(frames, rest, speed=None, pace="client", pace_settle_s=0.02)
        client = world.connect()
        world.run()
        world.ask("POST", "/channels/c/ring")
        world.run()
        world.pass_ns((wait_ms - 1) * S // 1000)
        assert client.numbers == [0]
        world.pass_ns(2 * S // 1000)
        assert client.numbers == [0, 2]


def test_the_wait_for_a_request_begins_when_the_event_before_it_is_sent() -> None:
    """Not when the moment before that event begins."""
    exchanges = [command_at(1, "/ari/channels/c/ring", seq=1), command_at(9, "/ari/channels/c/hold", seq=9)]
    rest = RecordedRest(applications=["app"], exchanges=exchanges)
    world = World([event(0, 0), event(8, 8 * S)], rest, speed=None, pace="client", pace_settle_s=0.02)
    client = world.connect()
    world.run()
    world.ask("POST", "/channels/c/ring")
    world.run()
    world.pass_ns(S)

    assert client.numbers == [0, 8]
    assert world.wake_ns == world.now.ns + (5 + 1) * S


def test_events_wait_a_moment_after_a_response() -> None:
    """But not longer because the client asks again and again."""
    rest = RecordedRest(applications=["app"], exchanges=[])
    world = World(every_second(3), rest, speed=None, pace="client", pace_settle_s=0.02, start_paused=True)
    client = world.connect()
    world.ask("GET", "/channels")
    world.take(events.Resume())
    world.run()
    for _ in range(4):
        world.now.ns += S // 200 - 1
        world.ask("GET", "/channels")
        world.run()
    assert client.numbers == []
    world.now.ns += 10
    world.run()
    assert client.numbers == [0, 1, 2]


def test_messages_are_answered_in_order_on_their_connection() -> None:
    world = World(every_second(1))
    client = world.connect()
    for number, text in enumerate(["{", '{"type": "RESTRequest", "uri": "channels", "request_id": "1"}', "[]"]):
        world.take(events.MessageReceived(client, text))
        assert len(client.texts) == number + 1

    assert [text["status_code"] for text in client.texts] == [400, 200, 400]


def test_who_loses_an_application_is_notified_before_the_new_client_receives() -> None:
    world = World(every_second(3))
    older = world.connect("older")
    world.run()
    newer = world.connect("newer")
    world.pass_s(5)

    assert [text["type"] for text in older.texts] == ["ChannelDtmfReceived", "ApplicationReplaced"]
    assert newer.numbers == [1, 2]


def test_faults_interrupt_after_their_frame() -> None:
    """A stall, then a cut: nothing is sent during the stall, and what follows goes to the next client."""
    from arirecord.replay.timing.chaos import parse_faults

    frames = [event(n, n * S, kind="StasisStart" if n == 1 else "Dial") for n in range(4)]
    world = World(frames, chaos=parse_faults("stall=10s@StasisStart,close=1011@StasisStart"), speed=None)
    client = world.connect()
    world.run()
    assert client.numbers == [0, 1]
    assert world.of(events.Close) == []

    world.pass_s(10)
    assert [(close.clients, close.code) for close in world.of(events.Close)] == [([client], 1011)]
    world.take(events.ClientLeft(client))
    assert world.connect().numbers == []
    world.run()
    assert [fault.name for fault in world.of(events.NoteFault)] == ["stall", "close"]


@pytest.mark.parametrize("at_end", ["hold", "close", "exit"])
def test_the_end(at_end: Any) -> None:
    world = World(every_second(2), speed=None, at_end=at_end)
    world.connect()
    world.run()
    after = [
        type(command) for command in world.log if isinstance(command, events.EndReached | events.Close | events.Exit)
    ]

    extra: dict[str, list[type[Any]]] = {"hold": [], "close": [events.Close], "exit": [events.Close, events.Exit]}
    assert after == [events.EndReached, *extra[at_end]]


@given(st.lists(st.integers(0, 8), min_size=1, max_size=4))
def test_the_next_call_is_after_the_present(begins: list[int]) -> None:
    world = World(every_second(10))
    client = world.connect()
    world.run()
    world.pass_s(4.5)
    before = len(client.numbers)
    starts = [Position(START_NS + begin * S) for begin in sorted(begins)]
    world.take(events.NextCall(starts))
    world.run()

    later = [begin for begin in sorted(begins) if begin > 4]
    assert client.numbers[before:] == later[:1]
    assert bool(later) or world.of(events.Report)[-1].text == "No further call in the recording."
    assert all(a < b for a, b in pairwise(client.numbers))
