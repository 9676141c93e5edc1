"""The clients of a replay: sending, receiving, disconnecting."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from starlette.datastructures import Address
from starlette.websockets import WebSocketDisconnect

from arirecord.replay.wire.batch_send import abort_message, batch_message
from arirecord.session.reader import Frame

from .app_registry import EventFilter
from .routing import ClientView, plain_payload

__all__ = ["Client", "Socket"]

# Errors of sending to a client that has gone; the timing decides which of them occurs.
_GONE: Final = (WebSocketDisconnect, RuntimeError)
_TELL_S: Final = 1.0


class Socket(Protocol):
    """The part of Starlette's WebSocket that clients use."""

    @property
    def client(self) -> Address | None: ...
    async def send(self, message: Any) -> None: ...
    async def send_text(self, data: str, /) -> None: ...
    async def receive(self) -> Any: ...
    async def close(self, code: int, reason: str) -> None: ...


class Client:
    """One WebSocket client.

    `name` is its address, `sent` the number of its frames, `rate` its limit in bytes per second. `application` is
    the first application that it asked for. `views` has, for each of its applications, the events that it receives and
    the event filter. `translate` puts the clients' ids into a frame.
    """

    def __init__(
        self,
        websocket: Socket,
        receive: Callable[[], Awaitable[Any]],
        application: str,
        translate: Callable[[str], str] = str,
    ) -> None:
        self.application = application
        self.views: list[tuple[ClientView, EventFilter]] = []
        self._translate = translate
        address = websocket.client
        self.name = f"{address.host}:{address.port}" if address else "unknown"
        self.sent = 0
        self.rate: float | None = None
        self.lost = False
        self.closed = False
        self._websocket = websocket
        self._receive = receive
        self._gone = asyncio.Event()

    async def send(self, frames: Sequence[Frame]) -> bool:
        """Send the frames that are for this client; waits while it does not read. False: the client is lost."""
        payloads = [payload for frame in frames for payload in self._payloads(frame)]
        if payloads and not self.lost:
            try:
                await self._websocket.send(batch_message(payloads, self.rate))
                self.sent += len(payloads)
            except _GONE:
                self.lost = True
        return not self.lost

    async def abort(self) -> None:
        """Cut the connection without a Close frame."""
        self.lost = True
        with contextlib.suppress(*_GONE):
            await self._websocket.send(abort_message())

    async def _reply(self, text: str) -> None:
        with contextlib.suppress(*_GONE):  # the next `receive` reports that it has gone
            await self._websocket.send_text(text)

    async def tell(self, text: str) -> None:
        """Send a message that is not from the recording. Skips a client that has gone or does not read."""
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
                yield self._translate(text)

    async def close(self, code: int, reason: str, within_s: float) -> None:
        """Send a Close frame after all frames, and wait at most `within_s` until the client has closed too."""
        self.closed = True
        try:
            async with asyncio.timeout(within_s):
                await self._websocket.close(code, reason)
                await self._gone.wait()
        except (TimeoutError, *_GONE):
            self.lost = True

    async def listen(self, answer: Callable[[str], Awaitable[str]]) -> None:
        """Answer the client's messages until it has gone."""
        try:
            while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
                if (text := message.get("text")) is not None and not self.closed:
                    await self._reply(await answer(text))
            if self.closed:
                # That was our own Close frame; the connection ends when the client has answered it.
                await self._receive()
        finally:
            self._gone.set()
