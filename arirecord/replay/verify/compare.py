"""Compares the requests of the recorded app with those of another app, call by call."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final, NamedTuple

from arirecord.replay.rest.request_key import RequestKey

from .grouping import CallRequests, Grouping, Request
from .reactions import Reactions
from .rules import Rules

__all__ = ["Compared", "Hunk", "Limits", "compare"]

_CONTEXT: Final = 2
_SHOWN: Final = 8


class _Line(NamedTuple):
    """A request as text. From `since_ns` on, the app had what it reacts to, as far as the recording shows it."""

    text: str
    request: Request
    since_ns: int = 0


@dataclass(frozen=True)
class Limits:
    """What counts as a difference.

    With `any_order` only the number of each request counts. `max_delay_s` is how much later or earlier than in the
    recording a request may come, None: any time. `strict` reports what has no effect, too: additional queries, and
    failed requests that are repeated more or less often.
    """

    any_order: bool = False
    max_delay_s: float | None = 1
    strict: bool = False


@dataclass(frozen=True)
class Hunk:
    """A difference after `at` equal requests. Its lines are as in a diff: `-` is only in the recording.

    `seq` is the row of the first recorded request that differs, otherwise of the last that is equal; -1 without any.
    """

    at: int
    lines: Sequence[str]
    seq: int = -1


@dataclass(frozen=True)
class Compared:
    """One call: the number of recorded requests, and the differences in order.

    `late` has a sentence for each request that came at another time than in the recording. `changed` are requests to
    the same resource with other parameters: the recorded one, and that of the new run. `course` has pairs of all
    requests: the recorded one, and that of the new run; one of them may be empty.
    """

    call: CallRequests
    recorded_count: int
    hunks: Sequence[Hunk] = ()
    late: Sequence[str] = ()
    changed: Sequence[tuple[RequestKey, RequestKey]] = ()
    course: Sequence[tuple[str, str]] = ()

    @property
    def is_same(self) -> bool:
        """Whether the requests are the recorded ones, without any more, and at their times."""
        return not self.hunks and not self.late

    def lines(self) -> list[str]:
        """The differences, each with a heading, as in a diff."""
        found = []
        for hunk in self.hunks:
            found += [f"@@ {self.call}, after {hunk.at} of {self.recorded_count} requests @@", *hunk.lines]
        return [*found, *([f"@@ {self.call}, time @@"] if self.late else []), *(f"! {text}" for text in self.late)]


def compare(
    recorded: Iterable[Request],
    live: Iterable[Request],
    grouping: Grouping,
    rules: Rules,
    limits: Limits = Limits(),
    reactions: Reactions | None = None,
) -> list[Compared]:
    """Compare the requests of each call with the recorded ones; calls in the order in which they came.

    `grouping` has the requests of both. Of two requests, one is the first only if its
    response came before the other request: requests in flight together have no order. In an app with requests for
    several channels in flight together, tasks handle the channels: requests of two tasks have no order, either.
    Without `reactions`, times are not compared, and tasks are not known.
    """
    recorded, live = sorted(recorded, key=_begun_ns), sorted(live, key=_begun_ns)  # not in the order of responses
    since_ns = _begun_ns if reactions is None or not _has_tasks(recorded) else reactions.cause_ns
    ours, theirs = _by_call(recorded, grouping, rules, since_ns), _by_call(live, grouping, rules, _begun_ns)
    calls = sorted({**ours, **theirs}, key=lambda call: (call.t_ns, call.channel_id))
    results = [_compare(call, ours.get(call, []), theirs.get(call, []), limits) for call in calls]
    if reactions is None or limits.max_delay_s is None:
        return [compared for compared, _ in results]
    replayed = {id(one.request): other.request for _, pairs in results for one, other in pairs}
    in_time = []
    for compared, pairs in results:
        sentences = [
            (one.text, reactions.sentence(one.request, other.request, replayed, limits.max_delay_s))
            for one, other in pairs
        ]
        in_time.append(replace(compared, late=[f"{text}: {sentence}" for text, sentence in sentences if sentence]))
    return in_time


def _begun_ns(request: Request) -> int:
    return request.begun_ns


def _has_tasks(recorded: Sequence[Request]) -> bool:
    """Whether requests for several channels were in flight together. They are in the order of their begin."""
    in_flight: list[Request] = []
    for request in recorded:
        if request.key.channels:
            in_flight = [one for one in in_flight if one.ended_ns > request.begun_ns]
            if not all(_share_channels(one, request) for one in in_flight):
                return True
            in_flight.append(request)
    return False


def _share_channels(one: Request, other: Request) -> bool:
    return not set(one.key.channels).isdisjoint(other.key.channels)


def _by_call(
    requests: Iterable[Request], grouping: Grouping, rules: Rules, since_ns: Callable[[Request], int]
) -> dict[CallRequests, list[_Line]]:
    found: dict[CallRequests, list[_Line]] = {}
    for request in requests:
        if texts := rules.texts(request.key):
            lines = found.setdefault(grouping.call(request.key, request.created_id), [])
            if rules.counts_once(request.key):
                texts = [text for text in texts if text not in {line.text for line in lines}]
            lines += [_Line(text, request, since_ns(request)) for text in texts]
    return found


def _compare(
    call: CallRequests, recorded: list[_Line], live: list[_Line], limits: Limits
) -> tuple[Compared, list[tuple[_Line, _Line]]]:
    """The differences of a call, and the equal requests."""
    if not limits.strict:
        live = _with_effect(recorded, live)
        recorded = _without_repeated(recorded, live)
    ours = [line.text for line in recorded]
    live = _in_recorded_order(recorded, live, limits.any_order)
    theirs = [line.text for line in live]
    hunks: list[Hunk] = []
    pairs: list[tuple[_Line, _Line]] = []
    changed: list[tuple[RequestKey, RequestKey]] = []
    course: list[tuple[str, str]] = []
    shown = 0
    for what, i, j, k, m in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        course += zip_longest(ours[i:j], theirs[k:m], fillvalue="")
        if what == "equal":
            pairs += zip(recorded[i:j], live[k:m], strict=True)
            continue
        lines = [*_some("- ", ours[i:j]), *_some("+ ", theirs[k:m])]
        before = [f"  {text}" for text in ours[max(shown, i - _CONTEXT) : i]]
        nearest = recorded[i:j] or recorded[max(i - 1, 0) : i]
        hunks.append(Hunk(_count(recorded[:i]), [*before, *lines], nearest[0].request.seq if nearest else -1))
        shown = j
        changed += _changed(recorded[i:j], live[k:m])
    return Compared(call, _count(recorded), hunks, changed=changed, course=course), pairs


def _changed(recorded: Sequence[_Line], live: Sequence[_Line]) -> Iterator[tuple[RequestKey, RequestKey]]:
    left = [line.request.key for line in live]
    for line in recorded:
        key = line.request.key
        if (other := next((one for one in left if one.operation_key == key.operation_key), None)) is not None:
            left.remove(other)
            yield key, other


def _count(lines: Sequence[_Line]) -> int:
    """The number of requests: one may have several lines."""
    return len({id(line.request) for line in lines})


def _in_recorded_order(recorded: Sequence[_Line], live: Sequence[_Line], any_order: bool) -> list[_Line]:
    """The new requests, those exchanged that the recorded app had in flight together, or all with `any_order`."""
    ranks: dict[str, list[int]] = {}
    for number, line in reversed(list(enumerate(recorded))):
        ranks.setdefault(line.text, []).append(number)
    found: list[tuple[int | None, _Line]] = []
    for line in live:
        left = ranks.get(line.text)
        rank = left.pop() if left else None
        found.append((rank, line))
        at = len(found) - 1
        while at and _may_swap(recorded, found[at - 1][0], rank, any_order):
            found[at - 1], found[at] = found[at], found[at - 1]
            at -= 1
    return [line for _, line in found]


def _may_swap(recorded: Sequence[_Line], first: int | None, second: int | None, any_order: bool) -> bool:
    """Whether the second request was recorded before the first, without being answered before it."""
    if first is None or second is None:
        return any_order and first is None and second is not None
    one, other = recorded[second].request, recorded[first].request
    are_tasks = not _share_channels(one, other) and recorded[second].since_ns < one.begun_ns  # each after its own event
    since_ns = recorded[first].since_ns if are_tasks else other.begun_ns
    return second < first and (any_order or one.ended_ns > since_ns)


def _with_effect(recorded: Sequence[_Line], live: Sequence[_Line]) -> list[_Line]:
    """The new requests without additional queries, and without failed ones that were repeated."""
    wanted, left = Counter(line.text for line in recorded), Counter(line.text for line in live)
    # A query with other parameters stands for a recorded one that did not come.
    changed = Counter(line.request.key.operation_key for line in recorded if not left[line.text])
    are_in_place = _in_place(recorded, live)
    in_place = Counter(line.text for line, is_in_place in zip(live, are_in_place, strict=True) if is_in_place)
    found = []
    for line, is_in_place in zip(live, are_in_place, strict=True):
        place = line.request.key.operation_key
        # Of a query that comes more often, a copy at another place is the additional one.
        is_spare = not is_in_place and in_place[line.text] >= wanted[line.text]
        in_place[line.text] -= is_in_place
        left[line.text] -= 1
        is_additional = _is_query(line) and (is_spare or not wanted[line.text]) and not changed[place]
        is_repeated = _has_failed(line) and left[line.text] >= max(wanted[line.text], 1)
        if not is_additional and not is_repeated:
            found.append(line)
            changed[place] -= not wanted[line.text] and changed[place] > 0
            wanted[line.text] -= wanted[line.text] > 0
    return found


def _is_query(line: _Line) -> bool:
    return line.request.key.operation.method == "GET"


def _has_failed(line: _Line) -> bool:
    return line.request.status >= 400


def _in_place(recorded: Sequence[_Line], live: Sequence[_Line]) -> list[bool]:
    """Of each new request, whether it comes after the same command as recorded.

    Tasks may have put the command of another channel between: then the command before it for its own channels counts.
    """
    found = [False] * len(live)
    left = Counter(line.text for line in recorded)
    for is_own in (False, True):
        places = Counter(_places(recorded, is_own))
        for number, place in enumerate(_places(live, is_own)):
            if not found[number] and left[place[0]] and places[place]:
                found[number] = True
                left[place[0]] -= 1
                places[place] -= 1
    return found


def _places(lines: Iterable[_Line], is_own: bool) -> Iterator[tuple[str, str]]:
    """Each request with the command before it, of its own channels if `is_own`."""
    commands: dict[Sequence[str], str] = {}
    for line in lines:
        channels = tuple(line.request.key.channels) if is_own else ()
        yield line.text, commands.get(channels, "")
        if not _is_query(line):
            commands[channels] = line.text


def _without_repeated(recorded: Sequence[_Line], live: Sequence[_Line]) -> list[_Line]:
    """The recorded requests without failed ones that the new app repeats less often."""
    now = Counter(line.text for line in live)
    spare = Counter(line.text for line in recorded if _has_failed(line))
    spare.subtract(line.text for line in live if _has_failed(line))
    spare &= Counter({text: n - max(now[text], 1) for text, n in Counter(line.text for line in recorded).items()})
    found = []
    for line in reversed(recorded):
        if _has_failed(line) and spare[line.text]:
            spare[line.text] -= 1
        else:
            found.append(line)
    return found[::-1]


def _some(mark: str, texts: Sequence[str]) -> list[str]:
    more = [f"{mark}… and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return [*(f"{mark}{text}" for text in texts[:_SHOWN]), *more]
