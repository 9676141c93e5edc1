"""The WebSocket endpoint: accepts clients, assigns applications, reports replaced ones."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from arirecord.errors import ReplayError
from arirecord.replay.options import ReplayOptions
from arirecord.replay.pbx.state import PbxState
from arirecord.replay.wire.web import refuse
from arirecord.session.reader import SessionFile

from .app_registry import Applications, asked_applications
from .client import Client
from .routing import EventRouting
from .subscription import Membership, read_known

__all__ = ["WsEndpoint"]

_TRUE = ("1", "on", "t", "true", "y", "yes")


class WsEndpoint:
    """The WebSocket `/ari/events`, an ASGI application. `clients` are the connected clients.

    `arrivals` counts all clients that ever connected; `ended` is set when there is nothing left to send. `rate` is the
    limit for each client in bytes per second. `switch` is the pbx state.
    `say` reports to the user. `changed` is called when a client connects or leaves. `answer` answers a message of a
    client. `replaced` makes the event for a client whose application another client has taken. `translate` puts the
    clients' ids into a frame. `restart` starts the replay again. Raises `ReplayError` for a mapping of an application
    that is not in the recording.
    """

    def __init__(
        self,
        session: SessionFile,
        options: ReplayOptions,
        switch: PbxState,
        say: Callable[[str], None],
        changed: Callable[[], None],
        answer: Callable[[Client, str], Awaitable[str]],
        replaced: Callable[[str], str],
        translate: Callable[[str], str] = str,
        restart: Callable[[], None] = lambda: None,
    ) -> None:
        self._restart = restart
        self._had: set[str] = set()
        self.clients: list[Client] = []
        self.applications: Applications[Client] = Applications()
        self.arrivals = 0
        self.ended = False
        self.rate: float | None = None
        self._session = session
        self._options = options
        self._switch = switch
        header = session.header
        self._names = EventRouting(header.applications, options.map_app, header.source.get("subscribe_all") is True)
        self._known: Membership | None = None
        if options.map_app:
            self._known = read_known(session)
            self._names.check(self._known)
        self._say = say
        self._changed = changed
        self._answer = answer
        self._replaced = replaced
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        asked = asked_applications(websocket.query_params.getlist("app"))
        if not asked:
            await refuse(websocket, 400, "Bad Request", "HTTP request is missing param: [app]")
            return
        try:
            known = await self._look_up(asked)
        except ReplayError as unreadable:
            await refuse(websocket, 503, "Service Unavailable", str(unreadable))
            return
        if self._options.strict_app and (unknown := self._names.unknown(asked, known)) is not None:
            self._say(f"A client was refused: {unknown}.")
            await refuse(
                websocket, 404, "Not Found", f"{unknown}. Asterisk would take any name; --strict-app does not."
            )
            return
        offered = websocket.scope["subprotocols"]
        await websocket.accept("ari" if "ari" in offered else None)
        await self._have(Client(websocket, receive, asked[0], self._translate), asked, _wants_all(websocket), known)

    async def have(self, client: Client, asked: Sequence[str], subscribe_all: bool) -> None:
        """Serve an outbound client until it has gone. Raises `ReplayError` if the session cannot be read."""
        await self._have(client, asked, subscribe_all, await self._look_up(asked))

    async def _have(self, client: Client, asked: Sequence[str], subscribe_all: bool, known: Membership) -> None:
        self._say(f"Client {client.name} connected for {', '.join(asked)}.")
        views, notices = self._names.views(asked, subscribe_all, known)
        for notice in notices:
            self._say(f"Client {client.name}: {notice}.")
        returns = not self.clients and not self._had.isdisjoint(asked)
        restarts = returns and self._options.on_reconnect == "restart"
        if restarts:
            self._say(f"Client {client.name} has come back; the replay begins again.")
            self._restart()
        self._had.update(asked)
        if self.ended and not restarts:
            self._say(f"Client {client.name}: the recording has ended, there is nothing left to send.")
        taken = self.applications.claim(client, asked, subscribe_all)
        for view in views:
            wanted = self.applications.filter(view.asked)
            assert wanted is not None
            client.views.append((view, wanted))
            if view.ownership is not None:
                view.ownership.sources = self.applications.sources(view.asked)
        client.rate = self.rate
        self.moved([client])
        self.clients.append(client)
        self.arrivals += 1
        try:
            await self._tell(client, taken)
            self._changed()
            await client.listen(lambda text: self._answer(client, text))
        finally:
            self.clients.remove(client)
            self.applications.release(client)
            if not client.closed:
                self._say(f"Client {client.name} has gone, after {client.sent} frames.")
            self._changed()

    def moved(self, clients: Sequence[Client] | None = None) -> None:
        """Reset the ownership of clients (None: of all) to the pbx state after a seek."""
        for client in self.clients if clients is None else clients:
            for view, _ in client.views:
                if view.ownership is not None:
                    view.ownership.begin(self._switch.channels.items)

    async def _look_up(self, asked: Sequence[str]) -> Membership:
        if self._known is None and self._names.needs_known(asked):
            self._known = await asyncio.to_thread(read_known, self._session)
        return self._known or Membership()

    async def _tell(self, client: Client, taken: Sequence[tuple[Client, str]]) -> None:
        """Send the replaced event to clients that lost an application; they receive no more events of it."""
        for older, name in taken:
            if not self._options.share:
                older.views = [(view, wanted) for view, wanted in older.views if view.asked != name]
                self._say(f"Client {client.name} takes {name} from {older.name}, which gets no more of it.")
                await older.tell(self._replaced(name))

    async def close_all(self, code: int, reason: str, within_s: float) -> None:
        """Close all connections; wait at most this many seconds for the clients to close theirs."""
        await asyncio.gather(*(client.close(code, reason, within_s) for client in self.clients))


def _wants_all(websocket: WebSocket) -> bool:
    return any(value.lower() in _TRUE for value in websocket.query_params.getlist("subscribeAll"))
