"""How long after an event or a response an app sent each request: in a recording, and in a replay."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Sequence

import orjson

from arirecord.replay.timing.progress import Place
from arirecord.session.reader import Frame

from .compare import Request
from .grouping import CallRequests, Grouping

__all__ = ["Reactions"]


class Reactions:
    """Measures the delay of requests, from the events that an application received."""

    def __init__(self, frames: Iterable[Frame], application: str, grouping: Grouping) -> None:
        self._grouping = grouping
        self._events: list[tuple[Place, Collection[CallRequests]]] = []
        for frame in frames:
            if frame.type == "RESTResponse" or frame.application not in (None, application):
                continue
            try:
                event = orjson.loads(frame.raw)
            except ValueError:
                continue
            if isinstance(event, dict):
                self._events.append(((frame.t_ns, frame.seq), grouping.calls_of(event)))

    def measure(self, requests: Iterable[Request], sent: Sequence[tuple[Place, int]] | None = None) -> list[Request]:
        """Return the requests with `delay_s` and `gap_s`.

        `sent` are the places up to which a replay had sent events, with the times, on the clock of the requests.
        Without it, the requests are the recorded ones.
        """
        found = []
        moments: dict[CallRequests | None, list[int]] = {None: []}
        for place, calls in self._events:
            at = 0 if sent is None else bisect_left(sent, place, key=lambda one: one[0])
            if sent is not None and at == len(sent):
                break
            for call in (None, *calls):
                moments.setdefault(call, []).append(place[0] if sent is None else sent[at][1])
        requests = list(requests)
        for request in requests:
            for call in (None, self._grouping.call(request.asked, request.thing)):
                insort(moments.setdefault(call, []), request.ended_ns)
        for request in requests:
            of_call = moments[self._grouping.call(request.asked, request.thing)]
            times = (_since(request.begun_ns, of_call), _since(request.begun_ns, moments[None]))
            found.append(request._replace(delay_s=times[0], gap_s=times[1]))
        return found


def _since(moment_ns: int, moments_ns: Sequence[int]) -> float | None:
    count = bisect_right(moments_ns, moment_ns)
    return (moment_ns - moments_ns[count - 1]) / 1e9 if count else None
