"""Replay at the client's pace: an event waits for the requests that the recorded app sent before it."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from arirecord.replay.timing.pacing import GATE
from arirecord.session.reader import Frame

from .matcher import Allows, ExchangeQueue, QueuedExchange, queued_exchange
from .recorded_exchanges import RecordedExchange, exchange_of
from .request_key import RequestKey

__all__ = ["ClientPacing", "split_lead"]

_RUN_UP_NS: Final = 5_000_000_000


class ClientPacing:
    """Compares the requests of the recorded app, `gates` by the time of the recording, with those of the client.

    `missed` are the requests that the replay no longer waits for.

    A client's request counts for the earliest equal recorded request; without one, for the earliest of the same
    operation on the same resource.
    """

    def __init__(
        self,
        exchanges: Collection[RecordedExchange],
        name_of: Callable[[str], str],
        started_ns: int,
    ) -> None:
        self.gates: list[Frame] = []
        self.missed: list[str] = []
        self._all: list[QueuedExchange] = []
        self._by_key: dict[tuple[object, ...], ExchangeQueue] = {}
        self._by_place: dict[tuple[object, ...], ExchangeQueue] = {}
        has_several = len({exchange.application for exchange in exchanges} - {""}) > 1
        begun = sorted(exchanges, key=lambda exchange: exchange.begun_ns)
        for exchange in begun:
            if (known := queued_exchange(exchange, name_of)) is None or (has_several and not exchange.application):
                continue  # a request of an unknown one of several apps may never come
            t_ns = exchange.begun_ns
            self.gates.append(Frame(-1, t_ns, t_ns - started_ns, GATE, None, None, str(len(self._all))))
            self._all.append(known)
            self._by_key.setdefault(known.key.compared, ExchangeQueue()).exchanges.append(known)
            self._by_place.setdefault(known.key.operation_key, ExchangeQueue()).exchanges.append(known)

    def count(self, key: RequestKey, now_ns: int, may_be: Allows = lambda one: True) -> RecordedExchange | None:
        """Count a request of the client, at a time of the recording. Returns the recorded one that it stands for.

        Only one that `may_be` the client's now counts.
        """
        for queue in (self._by_key.get(key.compared), self._by_place.get(key.operation_key)):
            if queue is not None and (recorded := queue.next(now_ns, may_be)) is not None:
                recorded.is_used = True
                return recorded.exchange
        return None

    def is_open(self, gate: Frame, applications: Collection[str]) -> bool:
        """Whether the client has sent the request of a gate, or does not have the application that sent it.

        `applications` are those that clients have, by their recorded names.
        """
        known = self._all[int(gate.raw)]
        return known.is_used or not known.exchange.is_of(applications)

    @property
    def is_done(self) -> bool:
        """Whether the client has sent all requests of the recorded app, but for the `missed` ones."""
        return all(known.is_used for known in self._all)

    @property
    def start_request_ns(self) -> int:
        """When the app sent its first request; 0 if that names a channel: it may be the reaction to an event."""
        first = self._all[0] if self._all else None
        return 0 if first is None or first.key.channels else first.exchange.begun_ns

    def pass_by(self, gate: Frame) -> str:
        """Stop waiting for a gate. Returns the missing request as text."""
        known = self._all[int(gate.raw)]
        known.is_used = True
        self.missed.append(f"{known.exchange.method} {known.exchange.uri}")
        return self.missed[-1]

    def restart(self, since_ns: int | None) -> None:
        """The recording starts again, or continues at this time: skip the gates before it."""
        for known in self._all:
            known.is_used = since_ns is not None and known.exchange.begun_ns < since_ns
        for row in (*self._by_key.values(), *self._by_place.values()):
            row.first = 0


def split_lead(frames: Sequence[Frame], has_run_up: bool) -> tuple[Sequence[Frame], Sequence[Frame], int | None]:
    """Split the first rows of a replay: those that show the state before it, those to play, and where it begins.

    It begins with the first event (None). A client needs the recorded time for what the app did in the five seconds
    before it, such as creating the bridge for its first call: `has_run_up` plays these rows, too.
    """
    count = next((n for n, frame in enumerate(frames) if frame.kind not in ("rest", GATE)), len(frames))
    lead = [frame for frame in frames[:count] if frame.kind == "rest"]
    gates = [frame for frame in frames[:count] if frame.kind == GATE]
    for number, frame in enumerate(lead if has_run_up and count < len(frames) else ()):
        is_near = frames[count].elapsed_ns - frame.elapsed_ns <= _RUN_UP_NS
        exchange = exchange_of(frame.raw) if is_near else None
        if exchange is not None and exchange.by == "app" and "/api-docs/" not in exchange.uri:
            begin_ns = max(0, frame.elapsed_ns - exchange.duration_ns)
            return lead[:number], [*lead[number:], *frames[count:]], begin_ns
    return lead, [*gates, *frames[count:]], None
