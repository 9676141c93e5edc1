"""Compares the requests of the recorded app with those of another app, call by call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from arirecord.replay.rest.request_key import RequestKey

from .grouping import CallRequests, Grouping
from .rules import Rules

__all__ = ["Compared", "Request", "compare"]

_BEFORE: Final = 2
_SHOWN: Final = 8


class Request(NamedTuple):
    """A request in recorded ids; `thing` is the id of the resource that it created, or empty."""

    asked: RequestKey
    thing: str = ""


@dataclass(frozen=True)
class Compared:
    """One call: the number of recorded requests, and the first difference.

    `at` is the number of equal requests before it, None if all are equal. `difference` are lines as in a diff: `-` is
    only in the recording, `+` is only in the new run.
    """

    call: CallRequests
    recorded_count: int
    at: int | None = None
    difference: Sequence[str] = ()

    @property
    def is_same(self) -> bool:
        """Whether the requests are the recorded ones, without any more."""
        return self.at is None

    def lines(self) -> list[str]:
        """The difference, with a heading, as in a diff."""
        if self.at is None:
            return []
        return [f"@@ {self.call}, after {self.at} of {self.recorded_count} requests @@", *self.difference]


def compare(
    recorded: Iterable[Request], asked: Iterable[Request], grouping: Grouping, rules: Rules, any_order: bool = False
) -> list[Compared]:
    """Compare the requests of each call in the recorded order; calls in the order in which they came.

    `grouping` has the recorded requests and receives the new ones. With `any_order`, only the number of each request
    counts.
    """
    asked = list(asked)
    for request in asked:
        grouping.request(*request, is_recorded=False)
    ours, theirs = _by_call(recorded, grouping, rules), _by_call(asked, grouping, rules)
    calls = sorted({**ours, **theirs}, key=lambda call: (call.t_ns, call.channel_id))
    return [_compare(call, ours.get(call, []), theirs.get(call, []), any_order) for call in calls]


def _by_call(requests: Iterable[Request], grouping: Grouping, rules: Rules) -> dict[CallRequests, list[str]]:
    found: dict[CallRequests, list[str]] = {}
    for request in requests:
        if (text := rules.text(request.asked)) is not None:
            found.setdefault(grouping.call(*request), []).append(text)
    return found


def _compare(call: CallRequests, recorded: list[str], asked: list[str], any_order: bool) -> Compared:
    if any_order:
        recorded, asked = sorted(recorded), sorted(asked)
    same = next((i for i, (a, b) in enumerate(zip(recorded, asked, strict=False)) if a != b), None)
    if same is None and len(recorded) == len(asked):
        return Compared(call, len(recorded))
    at = min(len(recorded), len(asked)) if same is None else same
    lines = [f"  {text}" for text in recorded[max(0, at - _BEFORE) : at]]
    # A later request may come earlier, or be missing: the diff shows which.
    for what, i, j, k, m in SequenceMatcher(None, recorded[at:], asked[at:], autojunk=False).get_opcodes():
        if what == "equal":
            break
        lines += _some("- ", recorded[at + i : at + j])
        lines += _some("+ ", asked[at + k : at + m])
    return Compared(call, len(recorded), at, lines)


def _some(mark: str, texts: Sequence[str]) -> list[str]:
    more = [f"{mark}… and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return [*(f"{mark}{text}" for text in texts[:_SHOWN]), *more]
