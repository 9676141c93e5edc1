"""Summarise a call in one sentence: the parties, the answer, waits, transfers, talk and the end."""

from collections.abc import Iterator, Mapping, Sequence

from arirecord.select.units import duration_text

from .call_data import Facts
from .story import Interval, Lane

__all__ = ["summary"]

_MOST = 3
"""Number of transfers and queue waits that are named; the others are counted."""
_AT_ONCE_S = 0.1
_UNANSWERED = {
    "BUSY": "the line was busy",
    "NO ANSWER": "the call was not answered",
    "CANCEL": "{caller} gave up before the answer",
    "CONGESTION": "the call failed{cause}",
    "FAILED": "the call failed{cause}",
}


def summary(facts: Facts, lanes: Mapping[str, Lane], intervals: Sequence[Interval]) -> str:
    """Return the sentence, without what the recording does not show."""
    clauses = [
        *_opening(facts, lanes),
        *_first(_queue_waits(facts, lanes), len(facts.queue_waits), "more waits in queues"),
        *_first(_transfers(facts, lanes), len(facts.transfers), "more transfers"),
        *_talk(facts, lanes, intervals),
        *_end(facts, lanes),
    ]
    return "; ".join(clauses) + "."


def _first(clauses: Iterator[str], count: int, rest: str) -> Iterator[str]:
    for _, clause in zip(range(_MOST), clauses, strict=False):
        yield clause
    if count > _MOST:
        yield f"{count - _MOST} {rest}"


def _opening(facts: Facts, lanes: Mapping[str, Lane]) -> Iterator[str]:
    """Yield the clauses about the parties and the answer."""
    call = facts.call
    first = lanes.get(call["first_channel_id"]) or next(iter(lanes.values()), None)
    caller = call["caller_number"] or (first.label if first else "An unknown caller")
    is_originated = first is not None and first.role == "called"
    callee = call["dialled_exten"] or call["called_number"]
    head = f"Asterisk called {caller}" if is_originated else f"{caller} called {callee or 'an unknown number'}"
    if call["disposition"] != "ANSWERED":
        yield head
        if call["disposition"] in _UNANSWERED:
            cause = " ".join(str(v) for v in (call["hangup_cause"], call["hangup_cause_txt"]) if v is not None)
            yield _UNANSWERED[call["disposition"]].format(caller=caller, cause=f" ({cause})" if cause else "")
        return
    answerer = _answerer(facts, lanes, first)
    if is_originated:
        yield f"{head}, who answered{_after(call['setup_s'])}"
        if answerer:
            yield f"{answerer.label} answered{_after(_since_start(facts, answerer))}"
    elif answerer:
        yield f"{head}{_answered(answerer.label, callee, _since_start(facts, answerer))}"
    else:
        yield head
        yield f"Asterisk answered{_after(call['setup_s'])}"


def _answerer(facts: Facts, lanes: Mapping[str, Lane], first: Lane | None) -> Lane | None:
    """Return the first called party that answered; None without one, or for a queue, which has its own clause."""
    answered = [lane for lane in lanes.values() if lane.role == "called" and lane.answered_at and lane is not first]
    answerer = min(answered, key=lambda lane: lane.answered_at or facts.recording_ended_at, default=None)
    queued_at = [wait["entered_at"] for wait in facts.queue_waits if wait["kind"] != "parking" and wait["entered_at"]]
    is_queued = (
        answerer is not None and answerer.answered_at is not None and any(at < answerer.answered_at for at in queued_at)
    )
    return None if is_queued else answerer


def _answered(who: str, callee: str | None, seconds: float | None) -> str:
    return f"{', who' if who == callee else f'; {who}'} answered{_after(seconds)}"


def _after(seconds: float | None) -> str:
    return f" after {_seconds(seconds)}" if seconds is not None and seconds >= _AT_ONCE_S else ""


def _since_start(facts: Facts, lane: Lane) -> float | None:
    started_at = facts.call["started_at"]
    return (lane.answered_at - started_at).total_seconds() if lane.answered_at and started_at else None


def _queue_waits(facts: Facts, lanes: Mapping[str, Lane]) -> Iterator[str]:
    for wait in facts.queue_waits:
        who = _label(lanes, wait["channel_id"]) or "the caller"
        place = "in parking" if wait["kind"] == "parking" else f"in queue {wait['queue']}"
        length = f" {_seconds(wait['wait_s'])}" if wait["wait_s"] is not None else ""
        agent = _label(lanes, wait["reached_channel_id"]) or _label(lanes, wait["answered_by_channel_id"])
        outcome = {
            "answered": f" and reached {agent or 'an agent'}",
            "abandoned": " and hung up before the answer",
            None: "",
        }.get(wait["outcome"], f" ({wait['outcome']})")
        yield f"{who} waited{length} {place}{outcome}"


def _transfers(facts: Facts, lanes: Mapping[str, Lane]) -> Iterator[str]:
    for row in facts.transfers:
        who = _label(lanes, row["transferer_channel_id"]) or row["transferer_number"] or "an unknown party"
        whom = _label(lanes, row["transferee_channel_id"]) or row["transferee_number"] or "the other party"
        target = row["target_number"] or (
            str(row["target"]).partition("@")[0] if row["destination_type"] == "exten" else "another party"
        )
        if row["result"] not in (None, "Success"):
            yield f"{who} could not transfer {whom} to {target} ({row['result']})"
        elif row["outcome"] == "answered":
            final = row["final_number"] or _label(lanes, row["final_channel_id"]) or target
            yield f"{who} transferred {whom} to {target}{_answered(final, target, row['answer_s'] or None)}"
        elif row["outcome"] in (None, "application"):
            yield f"{who} transferred {whom} to {target}"
        else:
            yield f"{who} transferred {whom} to {target}, which reached no one ({row['outcome']})"


def _talk(facts: Facts, lanes: Mapping[str, Lane], intervals: Sequence[Interval]) -> Iterator[str]:
    talkers = {interval.channel_id for interval in intervals if interval.kind == "talking"} & lanes.keys()
    if facts.call["talk_s"]:
        length = _seconds(facts.call["talk_s"])
        yield f"they talked for {length}" if len(talkers) == 2 else f"talking lasted {length} in all"
    if facts.call["hold_s"]:
        yield f"hold lasted {_seconds(facts.call['hold_s'])}"


def _end(facts: Facts, lanes: Mapping[str, Lane]) -> Iterator[str]:
    by = lanes.get(facts.call["ended_by_channel_id"])
    if facts.call["ended_at"] is None:
        yield "its end was not recorded"
    elif facts.call["disposition"] != "ANSWERED":
        return
    elif by:
        yield f"{by.label} hung up"
    elif facts.call["ended_by"] == "asterisk":
        yield "Asterisk ended the call"


def _label(lanes: Mapping[str, Lane], channel_id: str | None) -> str | None:
    lane = lanes.get(channel_id) if channel_id else None
    return lane.label if lane else None


def _seconds(seconds: float) -> str:
    """Format seconds: `0.02 s`, `0.3 s`; from 1 s on as in other messages."""
    if seconds < 1:
        return f"{seconds:.2f} s" if seconds < _AT_ONCE_S else f"{seconds:.1f} s"
    return duration_text(seconds)
