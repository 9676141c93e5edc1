"""Rules about the recording: order, beginnings and ends, gaps."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from .facts import Event, Facts
from .story import Finding, Severity

__all__ = ["RULES"]

_AFTER_THE_END = ("ChannelCallerId", "ChannelConnectedLine", "ChannelVarset", "StasisEnd")
"""What Asterisk may send of a channel that has ended."""
_LATE = timedelta(milliseconds=500)


def gap_in_call(facts: Facts) -> Iterator[Finding]:
    """Nothing was recorded for some time while the call went on."""
    for event in facts.events:
        if event.kind == "connection" and event.type == "gap":
            yield Finding(
                "gap-in-call", "error", "the recording has a gap during the call; what happened then is not known",
                seq=event.seq, at=event.at,
            )  # fmt: skip


def event_order(facts: Facts) -> Iterator[Finding]:
    """An event of a channel before its creation, or with an earlier time than the one before it."""
    created = {e.channel_id: e.seq for e in reversed(facts.events) if e.type == "ChannelCreated"}
    last: dict[str, datetime] = {}
    told: set[tuple[str, str]] = set()
    for event in _of_channels(facts):
        channel_id = str(event.channel_id)
        if event.seq < created.get(channel_id, 0) and (channel_id, "created") not in told:
            told.add((channel_id, "created"))
            yield _finding("event-order", "error", f"{event.type} came before the channel was created", event)
        if event.at < last.get(channel_id, event.at):
            back = (last[channel_id] - event.at).total_seconds()
            yield _finding(
                "event-order", "warning", f"{event.type} has a time {back:.3f} s before the event before", event
            )
        last[channel_id] = max(event.at, last.get(channel_id, event.at))


def event_after_end(facts: Facts) -> Iterator[Finding]:
    """An event of a channel that had ended; some that do no harm are not counted."""
    ended: dict[str, int] = {}
    for event in _of_channels(facts):
        channel_id = str(event.channel_id)
        if event.type == "ChannelDestroyed" and channel_id in ended:
            yield _finding("event-after-end", "error", "the channel ended twice", event)
        elif channel_id in ended and event.type not in _AFTER_THE_END:
            yield _finding("event-after-end", "error", f"{event.type} of a channel that had ended", event)
        if event.type == "ChannelDestroyed":
            ended.setdefault(channel_id, event.seq)


def missing_begin(facts: Facts) -> Iterator[Finding]:
    """A channel whose creation is not in the recording."""
    created = {e.channel_id for e in facts.events if e.type == "ChannelCreated"}
    for leg in facts.legs:
        if leg["channel_id"] not in created:
            yield Finding(
                "missing-begin", "note",
                "its creation was not recorded: it began before the recording, or nobody had subscribed to it",
                leg["channel_id"], leg["first_seq"],
            )  # fmt: skip


def missing_end(facts: Facts) -> Iterator[Finding]:
    """A channel without an end. A call that goes on when the recording ends is only noted."""
    for leg in facts.legs:
        if leg["ended_at"] is not None:
            continue
        is_over = facts.call["ended_at"] is not None or any(other["ended_at"] for other in facts.legs)
        lost = ", though that of others was: lost, or nobody had subscribed to it" if is_over else ""
        severity: Severity = "warning" if is_over else "note"
        yield Finding("missing-end", severity, f"its end was not recorded{lost}", leg["channel_id"], leg["last_seq"])


def missing_leave(facts: Facts) -> Iterator[Finding]:
    """A stay in a bridge of which only one end was recorded, though the channel's life was."""
    is_in: dict[str, tuple[str, Event]] = {}
    created = {e.channel_id for e in facts.events if e.type == "ChannelCreated"}
    for event in _of_channels(facts):
        channel_id, bridge_id = str(event.channel_id), event.bridge_id
        if event.type == "ChannelEnteredBridge" and bridge_id:
            is_in[channel_id] = (bridge_id, event)
        elif event.type == "ChannelLeftBridge":
            was_in = is_in.pop(channel_id, None)
            if was_in is None and channel_id in created:
                yield _finding("missing-leave", "warning", "left a bridge that it was not seen to enter", event)
        elif event.type == "ChannelDestroyed" and channel_id in is_in:
            yield _finding("missing-leave", "warning", "ended in a bridge that it was not seen to leave", event)
            del is_in[channel_id]


def late_event(facts: Facts) -> Iterator[Finding]:
    """Asterisk's time and that of receipt lie far apart: the recorder, the network or Asterisk was slow."""
    late = [
        (event.received_at - event.at, event) for event in facts.events if event.received_at and event.kind == "event"
    ]
    if not late:
        return
    usual = sorted(delay for delay, _ in late)[0]
    delay, event = max(late, key=lambda pair: pair[0])
    if delay - usual > _LATE:
        ms = (delay - usual) / timedelta(milliseconds=1)
        yield _finding(
            "late-event", "note", f"{event.type} was received {ms:,.0f} ms later than the promptest event", event
        )


RULES = (gap_in_call, event_order, event_after_end, missing_begin, missing_end, missing_leave, late_event)


def _of_channels(facts: Facts) -> Iterator[Event]:
    return (event for event in facts.events if event.channel_id is not None and event.kind == "event")


def _finding(rule: str, severity: Severity, text: str, event: Event) -> Finding:
    return Finding(rule, severity, text, event.channel_id, event.seq, event.at)
