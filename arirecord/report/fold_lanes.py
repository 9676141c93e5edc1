"""Fold a story with many channels: important lanes stay, the others become one lane with a count."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from .story import CallFinding, Evidence, Interval, IntervalKind, LadderStep, Lane, Story

__all__ = ["fold", "fold_variables"]

_TELLING = ("transfer", "hold", "dtmf", "user_event", "mark")
_A_FEW = 3
_MANY_VARIABLES = 10


def fold(story: Story, max_lanes: int) -> Story:
    """Return the same story in at most `max_lanes` lanes (at least 2).

    These lanes stay: the first channel, channels with transfers, holds, keys or findings, and a few more if these are
    few. Moments of folded channels alone, between two moments of others, are counted by type.
    """
    if len(story.lanes) <= max_lanes:
        return story
    kept = _telling(story, max(max_lanes, 2) - 1)
    others = tuple(lane for lane in story.lanes if lane.channel_id not in kept)
    ids = tuple(lane.channel_id for lane in others)
    lane = Lane(
        channel_id=ids[0],
        letter=f"+{len(ids)}",
        label=f"{len(ids)} others",
        name=f"{len(ids)} channels, {others[0].letter} to {others[-1].letter}",
        first_seq=min(other.first_seq for other in others),
        ended_seq=None if any(o.ended_seq is None for o in others) else max(o.ended_seq or 0 for o in others),
        created_at=min((o.created_at for o in others if o.created_at), default=None),
        answered_at=min((o.answered_at for o in others if o.answered_at), default=None),
        ended_at=None if any(o.ended_at is None for o in others) else max(o.ended_at for o in others if o.ended_at),
        channel_ids=ids,
    )
    folded = frozenset(ids)
    return replace(
        story,
        lanes=(*(other for other in story.lanes if other.channel_id in kept), lane),
        intervals=tuple(_intervals(story.intervals, folded, ids[0])),
        moments=tuple(_moments(story.moments, folded, ids[0])),
        evidence=tuple(_evidence(story.evidence, folded, ids[0])),
        findings=tuple(_findings(story.findings, folded, ids[0])),
    )


def fold_variables(moments: Sequence[LadderStep], marked_seq: int | None) -> Iterator[LadderStep]:
    """Yield the moments; of more than ten variables in a row, those of a channel become one. The marked one stays."""
    for is_variable, run in groupby(moments, lambda moment: moment.kind == "variable" and moment.seq != marked_seq):
        steps = list(run)
        if not is_variable or len(steps) <= _MANY_VARIABLES:
            yield from steps
            continue
        of_channel: dict[str | None, list[LadderStep]] = {}
        for step in steps:
            of_channel.setdefault(step.channel_id, []).append(step)
        for first, *others in of_channel.values():
            text = f"{len(others) + 1:,} variables"
            yield replace(first, what=f"gets {text}", label=text, last_at=others[-1].at) if others else first


def _telling(story: Story, most: int) -> Sequence[str]:
    """Return at most `most` channels: the first, those with important moments or findings, and at least a few."""
    weights = dict.fromkeys((lane.channel_id for lane in story.lanes), 0)
    for moment in story.moments:
        for channel_id in (moment.channel_id, moment.other_id):
            if channel_id in weights and moment.kind in _TELLING:
                weights[channel_id] += 10
    for finding in story.findings:
        if finding.channel_id in weights and finding.severity != "note":
            weights[finding.channel_id] += 5
    first, *rest = story.lanes
    ranked = sorted((lane.channel_id for lane in rest), key=lambda channel_id: -weights[channel_id])
    count = max(sum(weights[channel_id] > 0 for channel_id in ranked), _A_FEW)
    return [first.channel_id, *ranked[:count]][:most]


def _moments(moments: Sequence[LadderStep], folded: frozenset[str], lane: str) -> Iterator[LadderStep]:
    run: dict[tuple[object, ...], LadderStep] = {}
    for moment in moments:
        one = lane if moment.channel_id in folded else moment.channel_id
        two = lane if moment.other_id in folded else moment.other_id
        here = replace(moment, channel_id=one, other_id=None if one == two else two)
        if lane not in (one, two):
            yield from run.values()
            run = {}
            yield here
            continue
        key = (moment.kind, moment.what, one, two, moment.actor, moment.is_bad)
        before = run.get(key)
        run[key] = _added(before, here) if before else here
    yield from run.values()


def _added(before: LadderStep, moment: LadderStep) -> LadderStep:
    detail = before.detail if before.detail == moment.detail else ""
    last_at = max((at for at in (before.last_at or before.at, moment.at) if at), default=None)
    return replace(before, count=before.count + moment.count, detail=detail, last_at=last_at, duration_ms=None)


def _intervals(intervals: Sequence[Interval], folded: frozenset[str], lane: str) -> Iterator[Interval]:
    """Yield the intervals; those of folded channels are joined where they overlap."""
    groups: dict[IntervalKind, list[Interval]] = {}
    for interval in intervals:
        if interval.channel_id in folded:
            groups.setdefault(interval.kind, []).append(interval)
        else:
            yield interval
    for group in groups.values():
        group.sort(key=lambda i: (i.started_at is not None, i.started_at or datetime.min))
        current = replace(group[0], channel_id=lane, bridge_id=None)
        for interval in group[1:]:
            is_apart = current.ended_at and interval.started_at and interval.started_at > current.ended_at
            if is_apart:
                yield current
                current = replace(interval, channel_id=lane, bridge_id=None)
            else:
                current = _joined(current, interval)
        yield current


def _joined(one: Interval, two: Interval) -> Interval:
    ends, seqs = (one.ended_at, two.ended_at), (one.ended_seq, two.ended_seq)
    starts = [seq for seq in (one.started_seq, two.started_seq) if seq is not None]
    return replace(
        one,
        ended_at=None if None in ends else max(at for at in ends if at),
        ended_seq=None if None in seqs else max(seq for seq in seqs if seq is not None),
        started_seq=min(starts, default=None),
        count=one.count + two.count,
    )


def _evidence(evidence: Sequence[Evidence], folded: frozenset[str], lane: str) -> Iterator[Evidence]:
    of_lane: dict[tuple[str, str, str], Evidence] = {}
    for link in evidence:
        one = lane if link.channel_id in folded else link.channel_id
        two = lane if link.other_id in folded else link.other_id
        if lane not in (one, two):
            yield link
        else:
            of_lane.setdefault((one, two, link.reason), replace(link, channel_id=one, other_id=two))
    yield from of_lane.values()


def _findings(findings: Sequence[CallFinding], folded: frozenset[str], lane: str) -> Iterator[CallFinding]:
    """Yield the findings; for folded channels the first of each rule, with the number of others."""
    more: dict[tuple[str, str], list[CallFinding]] = {}
    for finding in findings:
        if finding.channel_id in folded:
            more.setdefault((finding.rule, finding.severity), []).append(finding)
        else:
            yield finding
    for first, *rest in more.values():
        text = f"{first.text} (and {len(rest)} more)" if rest else first.text
        yield replace(first, channel_id=lane, text=text)
