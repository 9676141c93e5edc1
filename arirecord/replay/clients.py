"""The clients of a replay: letting them in, sending to them, seeing them go."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from arirecord.session.reader import Frame

from .application import asked_applications
from .applications import Applications, EventFilter
from .batches import batch_message
from .known import Known
from .state import Switch
from .views import Names, View, plain_payload
from .web import refuse

__all__ = ["Client", "Door"]

# What sending to a client that has gone raises; which of them is a matter of milliseconds.
_GONE: Final = (WebSocketDisconnect, RuntimeError)
_TELL_S: Final = 1.0


class Client:
    """One WebSocket. `name` is its address, `sent` how many frames it was sent.

    `application` is the first that it asked for. `filters` has the event filter of each application it has, by the
    name that frames carry in the recording.
    """

    def __init__(
        self, websocket: WebSocket, receive: Receive, audience: Audience, translate: Callable[[str], str] = str
    ) -> None:
        self.audience = audience
        self._translate = translate
        self.filters: dict[str, EventFilter] = {}
        self.application = ""
        address = websocket.client
        self.name = f"{address.host}:{address.port}" if address else "unknown"
        self.sent = 0
        self.lost = False
        self.closed = False
        self._websocket = websocket
        self._receive = receive
        self._gone = asyncio.Event()

    async def send(self, frames: Sequence[Frame]) -> bool:
        """Send those frames that are for this client; waits while it does not read. False: the client is lost."""
        payloads = [payload for frame in frames for payload in self._payloads(frame)]
        if payloads and not self.lost:
            try:
                await self._websocket.send(batch_message(payloads))
                self.sent += len(payloads)
            except _GONE:
                self.lost = True
        return not self.lost

    async def _reply(self, text: str) -> None:
        with contextlib.suppress(*_GONE):  # that it has gone is what `receive` says next
            await self._websocket.send_text(text)

    async def tell(self, text: str) -> None:
        """Send a message that is in no recording; to a client that has gone, or does not read, nothing is sent."""
        try:
            async with asyncio.timeout(_TELL_S):
                await self._websocket.send_text(text)
        except (TimeoutError, *_GONE):
            pass

    def _payloads(self, frame: Frame) -> Iterator[str | bytes]:
        if frame.application is None:
            if self.views and (plain := plain_payload(frame)) is not None:
                yield plain
            return
        for view, wanted in self.views:
            text = view.payload(frame)
            if text is not None and wanted.lets(frame.type):
                yield text

    async def close(self, code: int, reason: str, within_s: float) -> None:
        """Send a Close frame behind all that was sent, and wait (not longer) until the client has closed too."""
        self.closed = True
        try:
            async with asyncio.timeout(within_s):
                await self._websocket.close(code, reason)
                await self._gone.wait()
        except (TimeoutError, *_GONE):
            self.lost = True

    async def listen(self, answer: Callable[[str], Awaitable[str]]) -> None:
        """Answer what the client sends, until it has gone."""
        try:
            while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
                if (text := message.get("text")) is not None and not self.closed:
                    await self._reply(await answer(text))
            if self.closed:
                # That was our own Close frame; the connection goes when the client has answered it.
                await self._receive()
        finally:
            self._gone.set()


class Door:
    """The WebSocket `/ari/events`, an ASGI application: who comes in is in `clients` until it leaves.

    `arrivals` counts all who ever came; `ended` is set when there is nothing left to send. `recorded` are the
    applications of the recording; `say` tells the person who runs the replay; `changed` is called when a client
    has come or gone; `answer` answers a message of a client; `replaced` makes the event that tells a client that
    another has taken its application; `translate` puts the clients' ids into a frame.
    With `share` nobody takes one: all who ask for it get its frames.
    """

    def __init__(
        self,
        recorded: Collection[str],
        say: Callable[[str], None],
        changed: Callable[[], None],
        answer: Callable[[Client, str], Awaitable[str]],
        replaced: Callable[[str], str],
        share: bool = False,
        translate: Callable[[str], str] = str,
    ) -> None:
        self.clients: list[Client] = []
        self.applications: Applications[Client] = Applications()
        self.arrivals = 0
        self.ended = False
        self._recorded = recorded
        self._say = say
        self._changed = changed
        self._answer = answer
        self._replaced = replaced
        self._share = share
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        asked = asked_applications(websocket.query_params.getlist("app"))
        if not asked:
            await refuse(websocket, 400, "Bad Request", "HTTP request is missing param: [app]")
            return
        offered = websocket.scope["subprotocols"]
        await websocket.accept("ari" if "ari" in offered else None)
        client = Client(websocket, receive, audience(asked, self._recorded), self._translate)
        client.application = asked[0]
        self._say(f"Client {client.name} connected for {', '.join(asked)}.")
        if client.audience.notice:
            self._say(f"Client {client.name}: {client.audience.notice}.")
        if self.ended:
            self._say(f"Client {client.name}: the recording has ended, there is nothing left to send.")
        self.clients.append(client)
        self.arrivals += 1
        try:
            await self._claim(client, asked)
            self._changed()
            await client.listen(lambda text: self._answer(client, text))
        finally:
            self.clients.remove(client)
            self.applications.release(client)
            if not client.closed:
                self._say(f"Client {client.name} has gone, after {client.sent} frames.")
            self._changed()

    async def _claim(self, client: Client, asked: Sequence[str]) -> None:
        """Give a client its applications, and take them from whoever had them, as Asterisk does."""
        taken = self.applications.claim(client, asked)
        for name in asked:
            wanted = self.applications.filter(name)
            assert wanted is not None
            client.filters[client.audience.recorded(name)] = wanted
        for older, name in taken:
            if not self._share:
                older.filters.pop(older.audience.recorded(name), None)
                self._say(f"Client {client.name} takes {name} from {older.name}, which gets no more of it.")
                await older.tell(self._replaced(name))

    async def close_all(self, code: int, reason: str, within_s: float) -> None:
        """Close all connections, waiting at most so long for the clients to close theirs."""
        await asyncio.gather(*(client.close(code, reason, within_s) for client in self.clients))
