"""Layout of all pictures of a story: offsets from its beginning, states of lanes, labels."""

from collections.abc import Sequence
from datetime import datetime

from .story import Evidence, Interval, LadderStep, Lane, Story

__all__ = [
    "STATES", "bar_state", "ending", "length_s", "offset_s", "offset_text", "spent", "state_at", "ticks", "ties",
    "until_text",
]  # fmt: skip

STATES = ("hold", "talking", "waiting", "up", "ringing", "alive")
"""States of a lane, the strongest first: a lane on hold also talks, is in a bridge and is up."""


def offset_s(story: Story, at: datetime | None) -> float | None:
    """Return seconds from the beginning of the call; None if the time is not known."""
    if at is None or story.started_at is None:
        return None
    return (at - story.started_at).total_seconds()


def offset_text(seconds: float | None) -> str:
    """Format an offset: `4.620`, `12:04.620`, `1:12:04.620`; empty if it is not known."""
    if seconds is None:
        return ""
    sign, ms = "-" if seconds < 0 else "", round(abs(seconds) * 1000)
    minutes, rest_ms = divmod(ms, 60_000)
    if not minutes:
        return f"{sign}{rest_ms / 1000:.3f}"
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{sign}{head}:{rest_ms / 1000:06.3f}"


def until_text(story: Story, moment: LadderStep) -> str:
    """Return `, until …` for a moment that lasts; an empty text for others."""
    return f", until {offset_text(offset_s(story, moment.last_at))}" if moment.last_at else ""


def length_s(story: Story) -> float:
    """Return seconds from the beginning of the call to its end or last moment; never 0."""
    ends = [story.ended_at, *(moment.at for moment in story.moments), *(i.ended_at for i in story.intervals)]
    return max([offset_s(story, at) or 0.0 for at in ends] + [0.001])


def ending(lane: Lane) -> str:
    """Describe how a channel ended: `hung up: 16 Normal Clearing`."""
    if lane.count > 1:
        return ""
    if lane.ended_at is None and lane.ended_seq is None:
        return "end not recorded"
    who = {"itself": "hung up", "asterisk": "ended by Asterisk"}.get(lane.ended_by or "", "ended")
    if lane.ended_by == "itself" and lane.is_answered is False:
        is_redirect = 300 <= (lane.tech_cause or 0) < 400
        who = "gave up" if lane.role == "caller" else "redirected" if is_redirect else "refused"
    if lane.role == "local":
        who = "ended"
    cause = " ".join(str(v) for v in (lane.hangup_cause, lane.hangup_cause_txt) if v is not None)
    sip = f", SIP {lane.tech_cause}" if lane.tech_cause else ""
    return f"{who}: {cause}{sip}" if cause else who


def spent(story: Story, lane: Lane) -> str:
    """Describe a channel's time by state: `ringing 0.307 s, talking 2.610 s`. Empty for folded channels."""
    durations = []
    for activity in ("ringing", "talking", "hold", "waiting", "speech"):
        mine = [i for i in story.intervals_of(lane) if i.kind == activity and lane.count == 1]
        known = [(i.ended_at - i.started_at).total_seconds() for i in mine if i.started_at and i.ended_at]
        if known:
            durations.append(f"{activity} {sum(known):.3f} s")
        elif mine:
            durations.append(f"{activity}, how long is not known")
    return ", ".join(durations)


def ties(story: Story) -> Sequence[tuple[str, Evidence]]:
    """Return the evidence once for each event, with the letters of the lanes that it links, without repeated links."""
    by_event: dict[tuple[str, int | None], tuple[dict[str, None], Evidence]] = {}
    for link in story.evidence:
        lanes, _ = by_event.setdefault((link.text, link.seq), ({}, link))
        for channel_id in (link.channel_id, link.other_id):
            lane = story.lane_of(channel_id)
            lanes[lane.letter if lane else channel_id] = None
    places = {lane.letter: place for place, lane in enumerate(story.lanes)}
    distinct: dict[tuple[str, str], Evidence] = {}
    for letters, link in by_event.values():
        names = ", ".join(sorted(letters, key=lambda letter: places.get(letter, len(places))))
        distinct.setdefault((names, link.text), link)
    return [(names, link) for (names, _), link in distinct.items()]


def state_at(story: Story, lane: Lane, seq: float) -> str | None:
    """Return the state of a lane after the event `seq`; None before its first and after its last event."""
    if seq < lane.first_seq or (lane.ended_seq is not None and seq > lane.ended_seq):
        return None
    states = {_state(i) for i in story.intervals_of(lane) if _is_in(i, seq)}
    return next((state for state in STATES if state in states), "alive")


def bar_state(story: Story, lane: Lane, from_s: float, until_s: float) -> str | None:
    """Return the strongest state of a lane in a slice of time; None if it does not exist then."""
    states = set()
    for interval in story.intervals_of(lane):
        begin, end = offset_s(story, interval.started_at), offset_s(story, interval.ended_at)
        if (begin is None or begin < until_s) and (end is None or end > from_s) and interval.kind != "speech":
            states.add(_state(interval))
    begin, end = offset_s(story, lane.created_at), offset_s(story, lane.ended_at)
    if (begin is None or begin < until_s) and (end is None or end >= from_s):
        states.add("alive")
    else:
        return None
    return next((state for state in STATES if state in states), None)


def ticks(length: float, most: int) -> Sequence[float]:
    """Return at most `most` round offsets from 0 to `length`, in seconds."""
    for step in _STEPS:
        if length / step <= most:
            break
    return [n * step for n in range(int(length / step) + 1)]


_STEPS = tuple(
    [m * 10.0**e for e in range(-3, 1) for m in (1, 2, 5)]
    + [10.0, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200]
    + [86400.0 * m for m in (1, 2, 7, 30, 365, 3650, 36500)]
)


def _state(interval: Interval) -> str:
    return "up" if interval.kind == "bridge" else interval.kind


def _is_in(interval: Interval, seq: float) -> bool:
    if interval.kind == "speech":
        return False
    is_begun = interval.started_seq is None or interval.started_seq <= seq
    return is_begun and (interval.ended_seq is None or seq < interval.ended_seq)
