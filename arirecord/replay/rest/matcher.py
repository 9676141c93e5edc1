"""Matcher: finds the recorded response to a client's request."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from arirecord.asterisk.rest_operations import find

from .recorded_exchanges import RecordedExchange
from .request_key import RequestKey, request_key

__all__ = ["Allows", "ExchangeQueue", "QueuedExchange", "ResponseMatcher", "id_created", "queued_exchange"]

# How far behind the replay's position an exchange may be and still match a client that reacts.
_PATIENCE_NS: Final = 10 * 10**9

# Equal requests of several calls within this time are a race: any of them may be the first in a replay.
_RACE_NS: Final = 10**9


@dataclass
class QueuedExchange:
    """A recorded exchange: its request key and response. `created_id` is the id of the created resource, or empty.

    `sender` is the channel of the call that sent it, if only its connection shows that; otherwise empty.
    """

    key: RequestKey
    exchange: RecordedExchange
    created_id: str
    is_used: bool = False
    sender: str = ""


Allows = Callable[[QueuedExchange], bool]


def _any(one: QueuedExchange) -> bool:
    return True


def queued_exchange(exchange: RecordedExchange, name_of: Callable[[str], str] = str) -> QueuedExchange | None:
    """Parse an exchange; None if ARI does not have the operation, or if no response was recorded."""
    if exchange.status is None or not 200 <= exchange.status < 600:
        return None
    request = exchange.request
    route = find(request.method, request.segments)
    if route is None:
        return None
    key = request_key(route, request, name_of)
    created_id = "" if key.new_resource is None else id_created(key, exchange.status, exchange.value)
    return QueuedExchange(key, exchange, created_id)


def id_created(key: RequestKey, status: int, value: Any) -> str:
    """The id of the created resource, from the JSON `value` of the response, otherwise from the request."""
    if key.new_resource is None or status >= 300:
        return ""
    kind, chosen = key.new_resource
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
        self._by_id: dict[tuple[object, ...], ExchangeQueue] = {}
        self._all: list[QueuedExchange] = []
        for exchange in exchanges:
            if (known := queued_exchange(exchange, name_of)) is not None:
                self._all.append(known)
                self._by_key.setdefault(known.key.compared, ExchangeQueue()).exchanges.append(known)
                if known.created_id:
                    self._by_place.setdefault(known.key.operation_key, ExchangeQueue()).exchanges.append(known)
                # A refused request for the same id has its turn, too: the app asks again after it.
                if name := known.created_id or (known.key.new_resource or ("", ""))[1]:
                    self._by_id.setdefault((name, *known.key.compared), ExchangeQueue()).exchanges.append(known)

    def restart(self, since_ns: int | None = None) -> None:
        """Mark all as unused, except those before the time at which the recording continues."""
        for known in self._all:
            known.is_used = since_ns is not None and known.exchange.begun_ns < since_ns
        for row in (*self._by_key.values(), *self._by_place.values(), *self._by_id.values()):
            row.first = 0

    @property
    def exchanges(self) -> Sequence[QueuedExchange]:
        """All of them."""
        return self._all

    def find(
        self, key: RequestKey, now_ns: int | None, may_be: Allows = _any, sender: str = ""
    ) -> QueuedExchange | None:
        """Return the exchange with the response for a client at `now_ns` (since 1970 UTC; None if unknown), or None.

        Only one that `may_be` the client's now is returned. The exchange is used from now on. Of a race, it is the one
        of the `sender`, a channel.
        """
        row = self._by_key.get(key.compared)
        if row is None:
            return None
        found = self._that_created(key, now_ns) or row.next(now_ns, may_be)
        if found is not None and sender and sender != found.sender:
            found = row.rival(found, sender, may_be) or found
        if found is None and key.new_resource is None:
            return row.exchanges[-1]
        return _used(found)

    def near(self, key: RequestKey, now_ns: int | None, may_be: Allows = _any) -> QueuedExchange | None:
        """The exchange that created a resource of the same type at the same position, with other parameters."""
        row = self._by_place.get(key.operation_key)
        return _used(row.next(now_ns, may_be)) if row and key.new_resource else None

    def _that_created(self, key: RequestKey, now_ns: int | None) -> QueuedExchange | None:
        """If the client names a recorded resource: the exchange that created it, or was refused to."""
        row = self._by_id.get((key.new_resource[1], *key.compared)) if key.new_resource else None
        return row.next(now_ns) if row else None


@dataclass
class ExchangeQueue:
    """Exchanges with equal requests, in order; all before `first` are used."""

    exchanges: list[QueuedExchange] = field(default_factory=list)
    first: int = 0

    def next(self, now_ns: int | None, may_be: Allows = _any) -> QueuedExchange | None:
        """The first unused exchange that is not far behind; if all are, the first unused one."""
        while self.first < len(self.exchanges) and self.exchanges[self.first].is_used:
            self.first += 1
        begin = self.first
        if now_ns is not None:
            begin = bisect_left(self.exchanges, now_ns - _PATIENCE_NS, begin, key=lambda one: one.exchange.t_ns)
        for start, end in ((begin, None), (self.first, begin)):
            for one in islice(self.exchanges, start, end):
                if not one.is_used and may_be(one):
                    return one
        return None

    def rival(self, first: QueuedExchange, sender: str, may_be: Allows) -> QueuedExchange | None:
        """The unused exchange of a race with `first` that this sender sent over another connection."""
        for one in islice(self.exchanges, self.first, None):
            gap_ns = one.exchange.begun_ns - first.exchange.begun_ns
            if gap_ns > _RACE_NS:
                break
            is_other = one.sender == sender and one.exchange.client != first.exchange.client
            if is_other and gap_ns >= -_RACE_NS and not one.is_used and may_be(one):
                return one
        return None


def _used(found: QueuedExchange | None) -> QueuedExchange | None:
    if found is not None:
        found.is_used = True
    return found
