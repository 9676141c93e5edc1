"""Outbound WebSockets: connections from the replay to an app that listens, as Asterisk makes them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Address
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException
from websockets.typing import Subprotocol

from arirecord.errors import ReplayError

from .client import Client

__all__ = ["Dialler", "Outgoing"]


class Outgoing:
    """An outbound connection, with the methods of an accepted one."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.client = Address(*connection.remote_address[:2])

    async def send(self, message: Any) -> None:
        """Send a batch. Raises `WebSocketDisconnect` if the other side has gone."""
        if message.get("abort"):
            self._connection.transport.abort()
            return
        try:
            for payload in message["batch"]:
                await self._connection.send(payload)
        except ConnectionClosed as closed:
            raise WebSocketDisconnect(1006) from closed

    async def send_text(self, text: str) -> None:
        """Send one message. Raises as `send` does."""
        await self.send({"batch": [text]})

    async def receive(self) -> dict[str, Any]:
        """Return the next message in ASGI's form."""
        try:
            data = await self._connection.recv()
        except ConnectionClosed:
            return {"type": "websocket.disconnect"}
        return {"type": "websocket.receive", "text": data if isinstance(data, str) else None}

    async def close(self, code: int, reason: str) -> None:
        """Send a Close frame and wait for the answer."""
        await self._connection.close(code, reason)


class Dialler:
    """Keeps one connection to an app, as Asterisk does with `connection_type = persistent`.

    After a lost or failed connection, it connects again every `interval_s` seconds, without end. `serve` receives the
    client and returns when it has gone; `registered` makes the events that Asterisk sends first.
    Raises `ReplayError` if an address is not the address of a WebSocket.
    """

    def __init__(
        self,
        url: str,
        applications: Sequence[str],
        interval_s: float,
        serve: Callable[[Client], Awaitable[None]],
        registered: Callable[[str], str],
        translate: Callable[[str], str],
        say: Callable[[str], None],
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ReplayError(f"{_without_password(url)} is not a WebSocket address such as ws://localhost:9000/")
        self._url = url
        self._shown = _without_password(url)
        self._applications = applications
        self._interval_s = interval_s
        self._serve = serve
        self._registered = registered
        self._translate = translate
        self._say = say

    async def run(self, wanted: Callable[[], bool]) -> None:
        """Connect while `wanted` returns true. Raises `ReplayError` if the address cannot be used at all."""
        told = ""
        while wanted():
            try:
                async with connect(
                    self._url,
                    subprotocols=[Subprotocol("ari")],
                    compression=None,
                    max_size=None,
                    ping_interval=None,
                    user_agent_header=None,
                    proxy=None,
                    close_timeout=1,
                ) as connection:
                    told = ""
                    await self._have(connection)
            except InvalidURI as error:
                raise ReplayError(f"{self._shown} can't be dialled: {error}") from error
            except (OSError, TimeoutError, WebSocketException) as error:
                why = f"{self._shown} can't be reached: {error}; it is dialled every {self._interval_s:g} s"
                if why != told:
                    self._say(f"{why}.")
                told = why
            await asyncio.sleep(self._interval_s)

    async def _have(self, connection: ClientConnection) -> None:
        outgoing = Outgoing(connection)
        for application in self._applications:
            await outgoing.send_text(self._registered(application))
        client = Client(outgoing, outgoing.receive, self._applications[0], self._translate)
        client.name = self._shown
        await self._serve(client)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
