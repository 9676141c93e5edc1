"""Intervals of a call: ringing, up, in bridges, talking, holding, speaking."""

from collections.abc import Iterator

from .call_data import Event, Facts
from .story import Interval, IntervalKind

__all__ = ["intervals_of"]


def intervals_of(facts: Facts) -> Iterator[Interval]:
    """Yield all intervals of a call, by kind, each kind in order."""
    yield from _lives(facts)
    for stay in facts.stays:
        kind: IntervalKind = "waiting" if stay["is_holding"] else "bridge"
        yield Interval(
            stay["channel_id"], kind, stay["entered_at"], stay["left_at"],
            stay["entered_seq"], stay["left_seq"], stay["bridge_id"],
        )  # fmt: skip
    for talk in facts.talks:
        yield Interval(
            talk["channel_id"], "talking", talk["started_at"], talk["ended_at"],
            talk["started_seq"], talk["ended_seq"], talk["bridge_id"],
        )  # fmt: skip
    yield from _holds(facts)
    for speech in facts.speech:
        yield Interval(speech["channel_id"], "speech", speech["started_at"], speech["ended_at"])


def _lives(facts: Facts) -> Iterator[Interval]:
    """Yield intervals of ringing and up. Their positions are those of the events that report the state."""
    states: dict[tuple[str, str], int] = {}
    for event in facts.events:
        if event.type in ("ChannelCreated", "ChannelStateChange") and event.channel_id:
            state = str(event.part("channel").get("state"))
            states.setdefault((event.channel_id, "Ringing" if state == "Ring" else state), event.seq)
        elif event.type == "ChannelDestroyed" and event.channel_id:
            states.setdefault((event.channel_id, "end"), event.seq)
    for leg in facts.legs:
        channel_id = leg["channel_id"]
        ringing_at, answered_at, ended_at = leg["ringing_at"], leg["answered_at"], leg["ended_at"]
        up_seq, end_seq = states.get((channel_id, "Up")), states.get((channel_id, "end"))
        if ringing_at and ringing_at != (answered_at or ended_at):
            yield Interval(
                channel_id, "ringing", ringing_at, answered_at or ended_at,
                states.get((channel_id, "Ringing")), up_seq or end_seq,
            )  # fmt: skip
        if leg["is_answered"]:
            yield Interval(channel_id, "up", answered_at, ended_at, up_seq, end_seq)


def _holds(facts: Facts) -> Iterator[Interval]:
    """Yield intervals from each hold to the same channel's next unhold; without an unhold they have no end.

    Time in which the holding channel talks in another bridge is left out: it does not hold the party there.
    """
    begun: dict[str, Event] = {}
    for event in facts.events:
        channel_id = event.channel_id or ""
        if event.type == "ChannelHold":
            begun.setdefault(channel_id, event)
        elif event.type == "ChannelUnhold" and channel_id in begun:
            yield from _apart_from_talk(facts, begun.pop(channel_id), event)
    for event in begun.values():
        yield from _apart_from_talk(facts, event, None)


def _apart_from_talk(facts: Facts, hold: Event, unhold: Event | None) -> Iterator[Interval]:
    channel_id = str(hold.channel_id)
    mine = [talk for talk in facts.talks if talk["channel_id"] == channel_id and talk["started_seq"] is not None]
    here = {talk["bridge_id"] for talk in mine if talk["started_seq"] <= hold.seq}
    since_at, since_seq = hold.at, hold.seq
    for talk in mine:
        is_meanwhile = talk["started_seq"] > since_seq and (unhold is None or talk["started_seq"] < unhold.seq)
        if is_meanwhile and talk["bridge_id"] not in here:
            yield Interval(channel_id, "hold", since_at, talk["started_at"], since_seq, talk["started_seq"])
            if talk["ended_seq"] is None or (unhold is not None and talk["ended_seq"] >= unhold.seq):
                return
            since_at, since_seq = talk["ended_at"], talk["ended_seq"]
    ended_at, ended_seq = (unhold.at, unhold.seq) if unhold else (None, None)
    yield Interval(channel_id, "hold", since_at, ended_at, since_seq, ended_seq)
