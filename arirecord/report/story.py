"""The story of a call: plain values that any picture of it is drawn from.

Everything is placed twice: by `seq`, the order of arrival, which is the only order known across channels, and by `at`,
Asterisk's own time in UTC. What the recording does not know is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

__all__ = [
    "Bridge",
    "CallFinding",
    "Evidence",
    "Interval",
    "IntervalKind",
    "LadderStep",
    "Lane",
    "Severity",
    "Story",
    "sentence",
]

IntervalKind = Literal["ringing", "up", "bridge", "waiting", "talking", "hold", "speech"]
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Lane:
    """One channel of the call, or several folded into one (`channel_ids`).

    `letter` is its short name in every picture, `label` the number or name that a person knows it by. `ended_by` says
    who asked for its end: `itself` (its far end), `asterisk`, or None where nobody was seen to ask. That it was
    answered may be known, but not when.
    """

    channel_id: str
    letter: str
    label: str
    name: str
    role: str | None = None
    number: str | None = None
    created_at: datetime | None = None
    answered_at: datetime | None = None
    is_answered: bool | None = None
    ended_at: datetime | None = None
    first_seq: int = 0
    last_seq: int = 0
    ended_seq: int | None = None
    ended_by: str | None = None
    hangup_cause: int | None = None
    hangup_cause_txt: str | None = None
    tech_cause: int | None = None
    channel_ids: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many channels this lane stands for."""
        return max(len(self.channel_ids), 1)


@dataclass(frozen=True)
class Bridge:
    """One bridge that channels of the call were in: `label` is its short name (`bridge 1`)."""

    bridge_id: str
    label: str
    type: str | None = None
    technology: str | None = None
    bridge_class: str | None = None
    creator: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Interval:
    """A stretch of time on a lane; in a folded lane, of `count` channels.

    `ringing` until answered or given up, `up` answered, `bridge` in a bridge, `waiting` in a holding bridge (queue,
    parking), `talking` answered and with somebody else who is so, `hold` while this channel holds the other side,
    `speech` from talk detection. Without `started_at` it began before the recording, or nobody saw it; without
    `ended_at` its end was not seen.
    """

    channel_id: str
    kind: IntervalKind
    started_at: datetime | None
    ended_at: datetime | None
    started_seq: int | None = None
    ended_seq: int | None = None
    bridge_id: str | None = None
    count: int = 1


@dataclass(frozen=True)
class LadderStep:
    """One thing that happened: `channel_id` does `what`, to `other_id` where there is one.

    `kind` groups moments (`dial`, `dtmf`, `transfer` …); `label` is two or three words for an arrow, `detail` what else
    there is to say. `actor` acts where no channel does: `Asterisk`, an application. `points` says which way an arrow
    goes between the two channels: to `other_id`, or from it. Folded moments have a `count`.
    """

    seq: int
    at: datetime | None
    kind: str
    what: str
    label: str
    channel_id: str | None = None
    other_id: str | None = None
    detail: str = ""
    actor: str = ""
    points: Literal["to", "from"] = "to"
    is_bad: bool = False
    duration_ms: int | None = None
    count: int = 1
    last_at: datetime | None = None


@dataclass(frozen=True)
class Evidence:
    """One reason why two channels belong to one call: `reason` in a word, `text` in a sentence.

    `seq`, `at` and `event_type` are those of the event that first showed it.
    """

    channel_id: str
    other_id: str
    reason: str
    text: str
    seq: int | None = None
    at: datetime | None = None
    event_type: str | None = None


@dataclass(frozen=True)
class CallFinding:
    """What the linter has to say: `rule` by name, `text` in a sentence, and where."""

    rule: str
    severity: Severity
    text: str
    channel_id: str | None = None
    seq: int | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Story:
    """What happened in one call.

    `title` says who with whom, `result` what became of it, `summary` what happened in one sentence, `facts` the figures
    of the header by name, as text. Lanes are in the order in which the channels came, moments in the order of arrival.
    `marked_seq` is the row of the recording that the reader came for.
    """

    call_id: str
    title: str
    result: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    is_complete: bool = True
    summary: str = ""
    marked_seq: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    lanes: Sequence[Lane] = ()
    bridges: Sequence[Bridge] = ()
    intervals: Sequence[Interval] = ()
    moments: Sequence[LadderStep] = ()
    evidence: Sequence[Evidence] = ()
    findings: Sequence[CallFinding] = ()

    def lane_of(self, channel_id: str | None) -> Lane | None:
        """The lane that a channel is in, folded or not; None for a channel that has none."""
        return self._lanes.get(channel_id) if channel_id is not None else None

    def intervals_of(self, lane: Lane) -> Sequence[Interval]:
        """The intervals on a lane."""
        return self._intervals.get(lane.channel_id, ())

    @cached_property
    def _intervals(self) -> Mapping[str, Sequence[Interval]]:
        found: dict[str, list[Interval]] = {}
        for interval in self.intervals:
            found.setdefault(interval.channel_id, []).append(interval)
        return found

    @cached_property
    def _lanes(self) -> Mapping[str, Lane]:
        return {i: lane for lane in self.lanes for i in (lane.channel_id, *lane.channel_ids)}


def sentence(story: Story, moment: LadderStep) -> str:
    """A moment in a sentence, with the letters of its lanes: `A dials B: u1002`."""
    lane, other = story.lane_of(moment.channel_id), story.lane_of(moment.other_id)
    who = lane.letter if lane else moment.actor
    words = [who, moment.what, other.letter if other else ""]
    text = " ".join(word for word in words if word)
    if moment.detail:
        text += f": {moment.detail}"
    return f"{text} (×{moment.count})" if moment.count > 1 else text
