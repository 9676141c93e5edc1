"""The story of a call: plain values from which all its pictures are drawn.

Positions are given twice: by `seq`, the order of arrival, which is the only order known across channels, and by `at`,
Asterisk's own time in UTC. None marks a value that the recording lacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

from arirecord.rules import Severity

__all__ = [
    "Bridge", "CallFinding", "Evidence", "Interval", "IntervalKind", "LadderStep", "Lane", "Severity", "SpokenTurn",
    "Story", "sentence",
]  # fmt: skip

IntervalKind = Literal["ringing", "up", "bridge", "waiting", "talking", "hold", "speech"]


@dataclass(frozen=True)
class Lane:
    """One channel of the call, or several folded into one (`channel_ids`).

    `letter` is its short name in every picture, `label` its number or name. `ended_by` is the source of the hangup
    request: `itself` (its far end), `asterisk`, or None without a request. `is_answered` may be true even if
    `answered_at` is not known.
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
    ended_seq: int | None = None
    ended_by: str | None = None
    hangup_cause: int | None = None
    hangup_cause_txt: str | None = None
    tech_cause: int | None = None
    channel_ids: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """The number of channels in this lane."""
        return max(len(self.channel_ids), 1)


@dataclass(frozen=True)
class Bridge:
    """One bridge of the call's channels: `label` is its short name (`bridge 1`)."""

    bridge_id: str
    label: str
    type: str | None = None
    technology: str | None = None
    bridge_class: str | None = None
    creator: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Interval:
    """An interval on a lane; in a folded lane, of `count` channels.

    `ringing` until answered or given up, `up` answered, `bridge` in a bridge, `waiting` in a holding bridge (queue,
    parking), `talking` answered and with another answered channel, `hold` while this channel holds the other side,
    `speech` from talk detection. Without `started_at` its beginning was not recorded, without `ended_at` its end was
    not.
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
    """One moment: `channel_id` does `what`, to `other_id` if given.

    `kind` groups moments (`dial`, `dtmf`, `transfer` …); `label` is two or three words for an arrow, `detail` has more
    text. `actor` acts in place of a channel: `Asterisk`, an application. Folded moments have a `count`.
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
    is_bad: bool = False
    duration_ms: int | None = None
    count: int = 1
    last_at: datetime | None = None


@dataclass(frozen=True)
class Evidence:
    """One reason why two channels belong to one call: `reason` in a word, `text` in a sentence.

    `seq`, `at` and `event_type` are of the event that first showed it.
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
    """A finding of the linter: `rule` by name, `text` in a sentence, `fix` (what to do), and its position."""

    rule: str
    severity: Severity
    text: str
    channel_id: str | None = None
    seq: int | None = None
    at: datetime | None = None
    fix: str = ""


@dataclass(frozen=True)
class SpokenTurn:
    """A turn in a call with a voice agent; `speaker` is caller, agent or human, `text` what was measured of it.

    latency_s: the response latency before it; None if it does not answer the caller, or is not known.
    """

    speaker: str
    started_at: datetime
    ended_at: datetime | None
    text: str
    latency_s: float | None = None


@dataclass(frozen=True)
class Story:
    """The story of one call.

    `title` names the parties, `result` is the outcome, `summary` the call in one sentence, `facts` the figures of the
    header by name, as text. Lanes are in the order in which the channels appeared, moments in the order of arrival.
    `marked_seq` is the row of the recording to mark.
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
    turns: Sequence[SpokenTurn] = ()

    def lane_of(self, channel_id: str | None) -> Lane | None:
        """Return the lane of a channel, folded or not; None if it has no lane."""
        return self._lanes.get(channel_id) if channel_id is not None else None

    def intervals_of(self, lane: Lane) -> Sequence[Interval]:
        return self._intervals.get(lane.channel_id, ())

    @cached_property
    def _intervals(self) -> Mapping[str, Sequence[Interval]]:
        by_channel: dict[str, list[Interval]] = {}
        for interval in self.intervals:
            by_channel.setdefault(interval.channel_id, []).append(interval)
        return by_channel

    @cached_property
    def _lanes(self) -> Mapping[str, Lane]:
        return {i: lane for lane in self.lanes for i in (lane.channel_id, *lane.channel_ids)}


def sentence(story: Story, moment: LadderStep) -> str:
    """Describe a moment in a sentence, with the letters of its lanes: `A dials B: u1002`."""
    lane, other = story.lane_of(moment.channel_id), story.lane_of(moment.other_id)
    who = lane.letter if lane else moment.actor
    words = [who, moment.what, other.letter if other else ""]
    text = " ".join(word for word in words if word)
    if moment.detail:
        text += f": {moment.detail}"
    return f"{text} (×{moment.count})" if moment.count > 1 else text
