"""The connection of a WebSocket client: sending, receiving, disconnecting."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from starlette.datastructures import Address
from starlette.websockets import WebSocketDisconnect

from .batch_send import abort_message, batch_message

__all__ = ["ClientConnection", "Socket"]

# Errors of sending to a client that has gone; the timing decides which of them occurs.
_GONE: Final = (WebSocketDisconnect, RuntimeError)


class Socket(Protocol):
    """The part of Starlette's WebSocket that connections use."""

    @property
    def client(self) -> Address | None: ...
    async def send(self, message: Any) -> None: ...
    async def receive(self) -> Any: ...
    async def close(self, code: int, reason: str) -> None: ...


class ClientConnection:
    """One WebSocket client. `name` is its address, `rate` its limit in bytes per second."""

    def __init__(
        self,
        websocket: Socket,
        receive: Callable[[], Awaitable[Any]],
        name: str | None = None,
        rate: float | None = None,
    ) -> None:
        address = websocket.client
        self.name = name or (f"{address.host}:{address.port}" if address else "unknown")
        self._rate = rate
        self._is_closed = False
        self._websocket = websocket
        self._receive = receive
        self._gone = asyncio.Event()

    async def send(self, payloads: Sequence[str | bytes], within_s: float | None = None) -> bool:
        """Send each as a frame; wait while the client does not read, but at most `within_s`. False: it has gone."""
        try:
            if within_s is None:
                await self._websocket.send(batch_message(payloads, self._rate))
            else:
                async with asyncio.timeout(within_s):
                    await self._websocket.send(batch_message(payloads))
        except TimeoutError:
            pass  # it does not read; these are left out
        except _GONE:
            return False
        return True

    async def close(self, code: int, reason: str, within_s: float) -> None:
        """Send a Close frame after all frames, and wait at most `within_s` until the client has closed too.

        Code 0: cut the connection without a Close frame.
        """
        self._is_closed = self._is_closed or code != 0
        with contextlib.suppress(TimeoutError, *_GONE):
            if not code:
                await self._websocket.send(abort_message())
                return
            async with asyncio.timeout(within_s):
                await self._websocket.close(code, reason)
                await self._gone.wait()

    async def receive(self) -> str | None:
        """The next text that the client sends; None when it has gone."""
        while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
            if (text := message.get("text")) is not None and not self._is_closed:
                return str(text)
        if self._is_closed:
            # That was our own Close frame; the connection ends when the client has answered it.
            await self._receive()
        return None

    def ended(self) -> None:
        """The connection has ended: `close` need not wait for it."""
        self._gone.set()
