"""Matcher: finds the recorded response to a client's request."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from arirecord.asterisk.rest_operations import find

from .recorded_exchanges import RecordedExchange
from .request_key import RequestKey, asked

__all__ = ["Allows", "ExchangeQueue", "QueuedExchange", "ResponseMatcher", "thing_made", "told"]

# How far behind the replay's position an exchange may be and still match a client that reacts.
_PATIENCE_NS: Final = 10 * 10**9


@dataclass
class QueuedExchange:
    """A recorded exchange: its request key and response. `thing` is the id of the created resource, or empty."""

    asked: RequestKey
    exchange: RecordedExchange
    thing: str
    is_used: bool = False


Allows = Callable[[QueuedExchange], bool]


def _any(one: QueuedExchange) -> bool:
    return True


def told(exchange: RecordedExchange, name_of: Callable[[str], str] = str) -> QueuedExchange | None:
    """Parse an exchange; None if ARI does not have the operation, or if no response was recorded."""
    if exchange.status is None or not 200 <= exchange.status < 600:
        return None
    question = exchange.question
    match = find(question.method, question.segments)
    if match is None:
        return None
    what = asked(match, question, name_of)
    thing = "" if what.chosen is None else thing_made(what, exchange.status, exchange.value)
    return QueuedExchange(what, exchange, thing)


def thing_made(what: RequestKey, status: int, value: Any) -> str:
    """The id of the created resource, from the JSON `value` of the response, otherwise from the request."""
    if what.chosen is None or status >= 300:
        return ""
    kind, chosen = what.chosen
    answered = value.get("name" if kind == "recordings" else "id") if isinstance(value, dict) else None
    return answered if isinstance(answered, str) else chosen


class ResponseMatcher:
    """The recorded responses to apps.

    Equal requests receive them in order, and then the last one again, unless the request creates a resource. Responses
    far behind the replay's position are skipped: an app that left out a call must not receive the responses of another.
    """

    def __init__(self, exchanges: Sequence[RecordedExchange], name_of: Callable[[str], str]) -> None:
        self._by_key: dict[tuple[object, ...], ExchangeQueue] = {}
        self._by_place: dict[tuple[object, ...], ExchangeQueue] = {}
        self._by_thing: dict[str, list[QueuedExchange]] = {}
        self._all: list[QueuedExchange] = []
        for exchange in exchanges:
            if (known := told(exchange, name_of)) is not None:
                self._all.append(known)
                self._by_key.setdefault(known.asked.key, ExchangeQueue()).told.append(known)
                if known.thing:
                    self._by_place.setdefault(known.asked.place, ExchangeQueue()).told.append(known)
                    self._by_thing.setdefault(known.thing, []).append(known)

    def restart(self, since_ns: int | None = None) -> None:
        """Mark all as unused, except those before the time at which the recording continues."""
        for known in self._all:
            known.is_used = since_ns is not None and known.exchange.begun_ns < since_ns
        for row in (*self._by_key.values(), *self._by_place.values()):
            row.first = 0

    @property
    def exchanges(self) -> Sequence[QueuedExchange]:
        """All of them."""
        return self._all

    def find(self, what: RequestKey, now_ns: int | None, may_be: Allows = _any) -> QueuedExchange | None:
        """Return the exchange with the response for a client at `now_ns` (since 1970 UTC; None if unknown), or None.

        Only one that `may_be` the client's now is returned. The exchange is used from now on.
        """
        row = self._by_key.get(what.key)
        if row is None:
            return None
        found = self._of_thing(what) or row.next(now_ns, may_be)
        if found is None and what.chosen is None:
            return row.told[-1]
        return _used(found)

    def near(self, what: RequestKey, now_ns: int | None, may_be: Allows = _any) -> QueuedExchange | None:
        """The exchange that created a resource of the same type at the same position, with other parameters."""
        row = self._by_place.get(what.place)
        return _used(row.next(now_ns, may_be)) if row and what.chosen else None

    def _of_thing(self, what: RequestKey) -> QueuedExchange | None:
        """If the client names a recorded resource: the exchange that created it."""
        known = self._by_thing.get(what.chosen[1], []) if what.chosen else []
        return next((one for one in known if not one.is_used and one.asked.key == what.key), None)


@dataclass
class ExchangeQueue:
    """Exchanges with equal requests, in order; all before `first` are used."""

    told: list[QueuedExchange] = field(default_factory=list)
    first: int = 0

    def next(self, now_ns: int | None, may_be: Allows = _any) -> QueuedExchange | None:
        """The first unused exchange that is not far behind; if all are, the first unused one."""
        while self.first < len(self.told) and self.told[self.first].is_used:
            self.first += 1
        begin = self.first
        if now_ns is not None:
            begin = bisect_left(self.told, now_ns - _PATIENCE_NS, begin, key=lambda one: one.exchange.t_ns)
        for start, end in ((begin, None), (self.first, begin)):
            for one in islice(self.told, start, end):
                if not one.is_used and may_be(one):
                    return one
        return None


def _used(found: QueuedExchange | None) -> QueuedExchange | None:
    if found is not None:
        found.is_used = True
    return found
