"""The connected clients of a replay: their applications, and which frames each of them receives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from arirecord.session.header import Header
from arirecord.session.reader import Frame

from .clients.app_registry import Applications, EventFilter
from .clients.channel_ownership import Membership
from .clients.routing import ClientView, EventRouting, plain_payload
from .events import Client, ClientConnected, Close, Send
from .options import ReplayOptions
from .pbx.state import PbxState
from .rest.id_map import IdMap

__all__ = ["Arrival", "ConnectedClient", "ConnectedClients"]


@dataclass(slots=True, eq=False)
class ConnectedClient:
    """A client until it has left. `views` has, for each of its applications, the events that it receives and the event
    filter.

    `application` is the first that it asked for, `sent` the number of its frames, `latest` that of its latest batch. It
    `is_lost` if its connection is broken or closed, and `is_closed` if the replay closed it.
    """

    client: Client
    application: str
    views: list[tuple[ClientView, EventFilter]] = field(default_factory=list)
    sent: int = 0
    latest: int = 0
    is_lost: bool = False
    is_closed: bool = False

    @property
    def can_receive(self) -> bool:
        """Whether it can be sent frames."""
        return not self.is_lost

    def payloads(self, frame: Frame, ids: IdMap) -> Iterator[str | bytes]:
        """Return a frame as messages for this client, one for each application that receives it, with its own ids."""
        if frame.application is None:
            if self.views and (plain := plain_payload(frame)) is not None:
                yield plain
            return
        for view, allowed in self.views:
            text = view.payload(frame)
            if text is not None and allowed.lets(frame.type):
                yield ids.to_client(text)


class Arrival(NamedTuple):
    """Results of a new connection: reports for the user, the applications that it took from others as
    `(older, name)`, and whether the replay starts again for it.
    """

    reports: Sequence[str]
    taken: Sequence[tuple[ConnectedClient, str]]
    restarts: bool


class ConnectedClients:
    """The clients of a replay. `arrivals` counts all that ever connected; `state` is the pbx state.

    Raises `ReplayError` for a mapping of an application that is not in the recording (`membership`).
    """

    def __init__(self, header: Header, options: ReplayOptions, state: PbxState, membership: Membership) -> None:
        self.applications: Applications[ConnectedClient] = Applications()
        self.arrivals = 0
        self._all: dict[Client, ConnectedClient] = {}
        self._earlier: set[str] = set()
        self._options = options
        self._state = state
        self.routing = EventRouting(header.applications, options.map_app, header.source.get("subscribe_all") is True)
        if options.map_app:
            self.routing.check(membership)

    def __len__(self) -> int:
        return len(self._all)

    def application(self, client: Client) -> str:
        """The first application that a client asked for; empty if it has left."""
        return self._all[client].application if client in self._all else ""

    @property
    def can_receive(self) -> bool:
        """Whether any client can be sent frames."""
        return any(one.can_receive for one in self._all.values())

    @property
    def recorded_applications(self) -> set[str]:
        """The applications of the clients, by their recorded names."""
        return {name for one in self._all.values() for view, _ in one.views for name in view.recorded}

    def connect(self, event: ClientConnected, ended: bool) -> Arrival:
        """Add a client; the recording may have `ended`."""
        name, applications = event.client.name, event.applications
        views, notices = self.routing.views(applications, event.subscribe_all, event.membership)
        reports = [f"Client {name} connected for {', '.join(applications)}."]
        reports += [f"Client {name}: {notice}." for notice in notices]
        returns = not self._all and not self._earlier.isdisjoint(applications)
        restarts = returns and self._options.on_reconnect == "restart"
        if restarts:
            reports.append(f"Client {name} has come back; the replay begins again.")
        elif ended:
            reports.append(f"Client {name}: the recording has ended, there is nothing left to send.")
        self._earlier.update(applications)
        connected = ConnectedClient(event.client, applications[0])
        taken = self.applications.claim(connected, applications, event.subscribe_all)
        for view in views:
            allowed = self.applications.filter(view.asked)
            assert allowed is not None
            connected.views.append((view, allowed))
            if view.ownership is not None:
                view.ownership.sources = self.applications.sources(view.asked)
                view.ownership.begin(self._state.channels.items)
        taken = [] if self._options.share else taken
        for older, application in taken:
            older.views = [(view, allowed) for view, allowed in older.views if view.asked != application]
            reports.append(f"Client {name} takes {application} from {older.client.name}, which gets no more of it.")
        self._all[event.client] = connected
        self.arrivals += 1
        return Arrival(reports, taken, restarts)

    def leave(self, client: Client) -> str | None:
        """Remove a client. Returns a report for the user; None if the replay closed its connection."""
        left = self._all.pop(client)
        self.applications.release(left)
        return None if left.is_closed else f"Client {client.name} has gone, after {left.sent} frames."

    def moved(self) -> None:
        """The replay continues elsewhere: which channels belong to each client follows from the pbx state there."""
        for one in self._all.values():
            for view, _ in one.views:
                if view.ownership is not None:
                    view.ownership.begin(self._state.channels.items)

    def take(self, frames: Sequence[Frame], ids: IdMap) -> tuple[int, list[Send]]:
        """Return the messages of these frames for each client, and the number of clients that receive any."""
        receivers = [one for one in self._all.values() if one.can_receive]
        sends = []
        for one in receivers:
            payloads = [payload for frame in frames for payload in one.payloads(frame, ids)]
            one.latest = len(payloads)
            one.sent += one.latest
            if payloads:
                sends.append(Send(one.client, payloads))
        return len(receivers), sends

    def inject(self, event: Mapping[str, Any]) -> list[Send]:
        """Return the messages of an event for the clients of its application, or for all without one."""
        sends = []
        for one in self._all.values():
            names = [view.asked for view, allowed in one.views if allowed.lets(event["type"])]
            receiving = [name for name in names if event.get("application", name) == name]
            if receiving and one.can_receive:
                payloads = [orjson.dumps({**event, "application": name}).decode() for name in receiving]
                sends.append(Send(one.client, payloads))
        return sends

    def lose(self, client: Client) -> bool:
        """A client can't be reached: its latest frames are not counted. False: that is known, or it has left."""
        lost = self._all.get(client)
        if lost is None or not lost.can_receive:
            return False
        lost.is_lost = True
        lost.sent -= lost.latest
        return True

    def close(self, code: int, reason: str, within_s: float) -> Close:
        """Close all connections; code 0: without a Close frame."""
        for one in self._all.values():
            one.is_lost, one.is_closed = True, one.is_closed or code != 0
        return Close(list(self._all), code, reason, within_s)
