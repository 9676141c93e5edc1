"""Replay at the client's pace: an event waits until the client has asked what the recorded app had asked before it."""

import time
from collections.abc import Callable, Collection, Iterable

from arirecord.replay.timing.pacing import GATE
from arirecord.session.reader import Frame

from .matcher import ExchangeQueue, QueuedExchange, told
from .recorded_exchanges import RecordedExchange
from .request_key import RequestKey

__all__ = ["ClientPacing"]


class ClientPacing:
    """Knows what the recorded app asked, `gates` by the time of the recording, and what the client has asked by now.

    What the client asks counts for the earliest request that is the same; where there is none, for the earliest of its
    kind about the same thing. `heard` is told of each, and `heard_at_ns` is when it was, on the monotonic clock;
    `now_ns` is the time of the recording; `ring` is called when something was counted.
    """

    def __init__(
        self,
        exchanges: Iterable[RecordedExchange],
        name_of: Callable[[str], str],
        started_ns: int,
        now_ns: Callable[[], int],
        ring: Callable[[], None],
    ) -> None:
        self.gates: list[Frame] = []
        self.heard_at_ns = 0
        self._now_ns = now_ns
        self._ring = ring
        self._all: list[QueuedExchange] = []
        self._by_key: dict[tuple[object, ...], ExchangeQueue] = {}
        self._by_place: dict[tuple[object, ...], ExchangeQueue] = {}
        begun = sorted(exchanges, key=lambda exchange: exchange.begun_ns)
        for exchange in begun:
            if (known := told(exchange, name_of)) is None:
                continue
            t_ns = exchange.begun_ns
            self.gates.append(Frame(-1, t_ns, t_ns - started_ns, GATE, None, None, str(len(self._all))))
            self._all.append(known)
            self._by_key.setdefault(known.asked.key, ExchangeQueue()).told.append(known)
            self._by_place.setdefault(known.asked.place, ExchangeQueue()).told.append(known)

    def heard(self, what: RequestKey) -> None:
        """A client has asked something."""
        self.heard_at_ns = time.monotonic_ns()
        for row in (self._by_key.get(what.key), self._by_place.get(what.place)):
            if row is not None and (found := row.next(self._now_ns())) is not None:
                found.is_used = True
                self._ring()
                return

    def is_open(self, gate: Frame, applications: Collection[str]) -> bool:
        """Whether the client has asked what stands at a gate, or is none of the application that asked it.

        `applications` are those that clients have, by their recorded names.
        """
        known = self._all[int(gate.raw)]
        application = known.exchange.application
        return known.is_used or bool(application and applications and application not in applications)

    def pass_by(self, gate: Frame) -> str:
        """Wait for it no longer. Returns what was not asked, in words."""
        known = self._all[int(gate.raw)]
        known.is_used = True
        return f"{known.exchange.method} {known.exchange.uri}"

    def restart(self, since_ns: int | None) -> None:
        """The recording begins anew, or goes on from a moment: what was before it is not waited for."""
        for known in self._all:
            known.is_used = since_ns is not None and known.exchange.begun_ns < since_ns
        for row in (*self._by_key.values(), *self._by_place.values()):
            row.first = 0
