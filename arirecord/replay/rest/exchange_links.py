"""Which app sent each recorded request, and which channels each created resource is for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from arirecord.asterisk.rest_operations import find

from .matcher import QueuedExchange, queued_exchange
from .recorded_exchanges import RecordedExchange, StasisEntry
from .request_key import RequestKey

__all__ = ["CreationLinks", "with_applications"]

_APPLICATIONS: Final = ("app", "application", "applicationName")
_RESOURCES: Final = {"bridgeId": "bridges", "playbackId": "playbacks", "recordingName": "recordings"}

Resource = tuple[str, str]


class _Links(NamedTuple):
    """The channels and other resources that a request names or creates."""

    channels: Sequence[str]
    resources: Sequence[Resource]


def _links(key: RequestKey, created_id: str = "") -> _Links:
    channels = list(key.channels)
    resources = [(_RESOURCES[name], value) for name, value in key.path_ids if name in _RESOURCES]
    if key.new_resource and created_id:
        kind = key.new_resource[0]
        if kind == "channels":
            channels.append(created_id)
        else:
            resources.append((kind, created_id))
    return _Links(channels, resources)


def with_applications(exchanges: Iterable[RecordedExchange], entries: Iterable[StasisEntry]) -> list[RecordedExchange]:
    """The exchanges, each with the application of the app that sent it, as far as the recording shows it.

    It is that of a WebSocket, of a parameter, of a channel that the request names, of a resource that another request
    of the app names, or that of all other requests over the same connection.
    """
    found = list(exchanges)
    queued = [queued_exchange(exchange) for exchange in found]
    links = [_Links((), ()) if one is None else _links(one.key, one.created_id) for one in queued]
    entered: dict[str, list[StasisEntry]] = {}
    for entry in entries:
        entered.setdefault(entry.channel, []).append(entry)
    owners: dict[Resource, str] = {}
    names = []
    for exchange, link in zip(found, links, strict=True):
        inside = (_application_at(entered[channel], exchange) for channel in link.channels if channel in entered)
        names.append(exchange.application or _named(exchange) or next(inside, ""))
    is_new = True
    while is_new:
        is_new = False
        for number, link in enumerate(links):
            near = [*(("channels", channel) for channel in link.channels), *link.resources]
            known = names[number] or next((owners[one] for one in near if one in owners), "")
            if known:
                is_new |= not names[number] or any(one not in owners for one in near)
                names[number] = known
                owners |= {one: known for one in near if one not in owners}
    connections: dict[str, set[str]] = {}
    for exchange, name in zip(found, names, strict=True):
        if name:
            connections.setdefault(exchange.client, set()).add(name)
    for number, exchange in enumerate(found):
        others = connections.get(exchange.client, set()) if exchange.client else set()
        if not names[number] and len(others) == 1:
            names[number] = next(iter(others))
    return [exchange._replace(owner=name) for exchange, name in zip(found, names, strict=True)]


def _application_at(entries: Sequence[StasisEntry], exchange: RecordedExchange) -> str:
    """The application of a channel when a request came."""
    before = [entry for entry in entries if entry.place[0] <= exchange.t_ns]
    return (before or entries)[-1 if before else 0].application


def _named(exchange: RecordedExchange) -> str:
    """The application in a parameter or in the path of a request."""
    request = exchange.request
    route = find(request.method, request.segments)
    given = {**request.parameters, **(route.ids if route is not None else {})}
    return next((given[name] for name in _APPLICATIONS if given.get(name)), "")


class CreationLinks:
    """For each recorded resource the channels with which requests name it, and when these entered an application.

    A request that creates a bridge names no channel. Later requests do: they show to which call it belongs. For one
    that no other request names, the request before it over the same connection shows the call: it becomes the `sender`.
    """

    def __init__(self, exchanges: Sequence[QueuedExchange], entries: Iterable[StasisEntry]) -> None:
        self._entered: dict[str, tuple[int, int]] = {}
        for entry in entries:
            self._entered.setdefault(entry.channel, entry.place)
        self._channels: dict[Resource, set[str]] = {}
        self._resources: dict[str, set[Resource]] = {}
        for one in exchanges:
            link = _links(one.key, one.created_id)
            for resource in link.resources:
                self._channels.setdefault(resource, set()).update(link.channels)
                for channel in link.channels:
                    self._resources.setdefault(channel, set()).add(resource)

        self._senders: dict[str, str] = {}
        for one in sorted(exchanges, key=lambda one: one.exchange.begun_ns):
            one.sender = self.sender(one.key, one.exchange.client, one.created_id)
        self.restart()

    def restart(self) -> None:
        """Forget what was sent over the connections of clients."""
        self._senders.clear()

    def sender(self, key: RequestKey, connection: str, created_id: str = "") -> str:
        """The channel that the latest request over the connection named or created.

        Empty if this one names a channel itself, and for a query: its response depends on its time, not on its call.
        """
        link = _links(key, created_id)
        named = [*link.channels, *(channel for one in link.resources for channel in sorted(self.channels(one)))]
        if not named or not connection:
            return "" if key.operation.method == "GET" else self._senders.get(connection, "")
        self._senders[connection] = named[0]
        return ""

    def channels(self, resource: Resource) -> set[str]:
        """The channels with which requests name a resource."""
        return self._channels.get(resource, set())

    def bridges(self, channels: Iterable[str]) -> list[str]:
        """The ids of the bridges that requests name with any of these channels."""
        return sorted({key for c in channels for kind, key in self._resources.get(c, ()) if kind == "bridges"})

    def cause(self, one: QueuedExchange) -> str | None:
        """The channel that must have entered an application before a resource is created, or None.

        It is the first of the channels of the resource, if it was there at the recorded request.
        """
        if one.key.new_resource is None or not one.created_id:
            return None
        kind = one.key.new_resource[0]
        near = self.channels((kind, one.created_id))
        if kind == "channels":
            bridges = self._resources.get(one.created_id, set())
            near = {channel for bridge in bridges for channel in self.channels(bridge)} - {one.created_id}
        begun = (one.exchange.begun_ns, 0)
        known: Mapping[str, tuple[int, int]] = {c: self._entered[c] for c in near if c in self._entered}
        first = min(known, key=lambda channel: known[channel], default=None)
        return first if first is not None and known[first] <= begun else None
