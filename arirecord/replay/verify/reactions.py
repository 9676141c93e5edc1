"""Whether an app sent a request as long after its cause as the recorded app did."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from arirecord.json_text import json_object
from arirecord.replay.timing.progress import Place
from arirecord.session.reader import Frame

from .grouping import CallRequests, Grouping, Request, channels_of

__all__ = ["Reactions"]

# A request that comes as long after an event as in the recording, within this, is that of a timer. One that comes
# sooner after an event of another call than this may be a reaction to it.
_TIMER_S: Final = 0.3

# A request this soon after an event or a response of its call reacts to it, as a rule. A timer that runs out just then
# has its recorded time within this.
_AT_ONCE_S: Final = 0.05

# An app reacts to an event of a channel within this time, unless it is busy with something else.
_REACTION_NS: Final = 500_000_000


class _Cause(NamedTuple):
    """An event or a response that may be the cause of a request. `request` is the recorded one of a response."""

    t_ns: int
    name: str
    place: Place
    request: Request | None = None


class Reactions:
    """Compares delays of requests in a replay with those in the recording.

    Nothing shows which event a request answers. Its delay is that of the recording if it is so after any event or
    response that may be the cause: the recent ones of its call, the latest ones of other calls, and for a timer any of
    its call.

    `sent` are the places up to which the replay had sent events, with the times, on the clock of its requests.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        application: str,
        grouping: Grouping,
        recorded: Iterable[Request],
        sent: Sequence[tuple[Place, int]],
    ) -> None:
        self._grouping = grouping
        self._sent = sent
        self._causes: dict[CallRequests | None, list[_Cause]] = {None: []}
        self._of_channels: dict[str, list[int]] = {}
        for frame in frames:
            if frame.type == "RESTResponse" or frame.application not in (None, *application.split(",")):
                continue
            if event := json_object(frame.raw):
                cause = _Cause(frame.t_ns, str(frame.type), (frame.t_ns, frame.seq))
                self._add(cause, grouping.calls_of(event))
                for channel in channels_of(event):
                    self._of_channels.setdefault(channel, []).append(frame.t_ns)
        for request in recorded:
            name = f"the response to {request.key.operation.method} {request.key.operation.name}"
            self._add(_Cause(request.ended_ns, name, (0, 0), request), [self._call(request)])
            for channel in request.key.channels:
                self._of_channels.setdefault(channel, []).append(request.ended_ns)
        for causes in self._causes.values():
            causes.sort(key=itemgetter(0))
        for times in self._of_channels.values():
            times.sort()

    def cause_ns(self, recorded: Request) -> int:
        """When the channels of a request had what it reacts to: a recent event or response; otherwise its own time."""
        times = [self._of_channels.get(channel, []) for channel in recorded.key.channels]
        latest = [one[at - 1] for one in times if (at := bisect_left(one, recorded.begun_ns))]
        is_recent = latest and recorded.begun_ns - max(latest) <= _REACTION_NS
        return max(latest) if is_recent else recorded.begun_ns

    def sentence(self, recorded: Request, live: Request, replayed: Mapping[int, Request], max_delay_s: float) -> str:
        """A sentence on a request that came much later after its cause than in the recording, or much earlier.

        Empty if it did not. `replayed` has the request of the replay for each recorded one, by its `id`.
        """
        found: list[tuple[float, float, str]] = []
        for cause, most_s in self._before(recorded, max_delay_s):
            cause_ns = self._replayed_ns(cause, replayed)
            if cause_ns is None or cause_ns > live.begun_ns:
                continue
            was_s, is_s = (recorded.begun_ns - cause.t_ns) / 1e9, (live.begun_ns - cause_ns) / 1e9
            if abs(is_s - was_s) <= most_s:
                return ""
            found.append((is_s, was_s, cause.name))
        is_s, was_s, name = found[0] if found else (0, 0, "")
        if abs(is_s - was_s) <= max_delay_s:
            return ""
        difference = f"{abs(is_s - was_s):.2f} s too {'late' if is_s > was_s else 'early'}"
        return f"{difference}, {is_s:.2f} s after {name}; recorded {was_s:.2f} s"

    def _before(self, recorded: Request, max_delay_s: float) -> Iterator[tuple[_Cause, float]]:
        """The possible causes of a request, those of its call first, each with the tolerance for its delay."""
        timer_s = min(_TIMER_S, max_delay_s)
        own, every = self._causes.get(self._call(recorded), []), self._causes[None]
        for causes, recent_s in ((own, max_delay_s), (every, timer_s)):
            end = bisect_right(causes, recorded.begun_ns, key=itemgetter(0))
            is_at_once = causes is own and end and recorded.begun_ns - causes[end - 1].t_ns <= _AT_ONCE_S * 1e9
            earlier_s = min(_AT_ONCE_S, timer_s) if is_at_once else timer_s
            for at in range(end - 1, -1, -1):
                is_recent = recorded.begun_ns - causes[at].t_ns <= recent_s * 1e9
                is_latest = at == end - 1
                if causes is every and not is_recent and not is_latest:
                    return
                if causes is own and is_recent and not is_latest:
                    # A replay can send this cause and later ones closer together than they were recorded.
                    yield causes[at], max(max_delay_s / 2, timer_s)
                else:
                    yield causes[at], max_delay_s if is_recent or (is_latest and causes is own) else earlier_s

    def _replayed_ns(self, cause: _Cause, replayed: Mapping[int, Request]) -> int | None:
        """When the replay sent an event or a response; None if it did not."""
        if cause.request is not None:
            request = replayed.get(id(cause.request))
            return None if request is None else request.ended_ns
        at = bisect_left(self._sent, cause.place, key=itemgetter(0))
        return None if at == len(self._sent) else self._sent[at][1]

    def _add(self, cause: _Cause, calls: Iterable[CallRequests]) -> None:
        for call in (None, *calls):
            self._causes.setdefault(call, []).append(cause)

    def _call(self, request: Request) -> CallRequests:
        return self._grouping.call(request.key, request.created_id)
