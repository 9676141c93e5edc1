"""Outbound WebSockets: connections from the replay to an app that listens, as Asterisk makes them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Address
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException
from websockets.typing import Subprotocol

from arirecord.errors import ReplayError

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

    After a lost or failed connection, it connects again every `interval_s` seconds, without end. `report` receives
    messages for the user. Raises `ReplayError` if an address is not the address of a WebSocket.
    """

    def __init__(self, url: str, interval_s: float, report: Callable[[str], None]) -> None:
        self.name = _without_password(url)
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ReplayError(f"{self.name} is not a WebSocket address such as ws://localhost:9000/")
        self._url = url
        self._interval_s = interval_s
        self._report = report

    async def run(self, serve: Callable[[Outgoing, str], Awaitable[None]], is_needed: Callable[[], bool]) -> None:
        """Connect while `is_needed`. `serve` receives the connection and its name, and returns when it has ended.

        Raises `ReplayError` if the address cannot be used at all.
        """
        reported = ""
        while is_needed():
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
                    reported = ""
                    await serve(Outgoing(connection), self.name)
            except InvalidURI as error:
                raise ReplayError(f"{self.name} can't be dialled: {error}") from error
            except (OSError, TimeoutError, WebSocketException) as error:
                why = f"{self.name} can't be reached: {error}; it is dialled every {self._interval_s:g} s"
                if why != reported:
                    self._report(f"{why}.")
                reported = why
            await asyncio.sleep(self._interval_s)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
