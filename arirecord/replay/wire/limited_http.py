"""uvicorn's HTTP with a limit of connections, and a time limit for requests that are sent in part."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from arirecord.limits import Deadline, connection_limit

__all__ = ["LimitedHttp"]

_REQUEST_TIMEOUT_S = 30.0
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class LimitedHttp(H11Protocol):
    """Answers 503 if the process can hardly open more files, and 408 if a request takes more than 30 s to arrive."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._deadline = Deadline(_REQUEST_TIMEOUT_S, self._expire)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Called by asyncio."""
        super().connection_made(transport)
        if len(self.connections) > connection_limit(1):
            transport.write(_FULL)
            transport.close()
        else:
            self._deadline.start()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        super().data_received(data)
        if self._is_waiting:
            self._deadline.start()
        else:
            self._deadline.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._deadline.stop()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The connection is a WebSocket from now on."""
        super().handle_websocket_upgrade(event)
        self._deadline.stop()

    @property
    def _is_waiting(self) -> bool:
        """Whether a request is to come, or the rest of one."""
        if self.transport.get_protocol() is not self:
            return False
        return self.cycle is None or self.cycle.more_body or self.cycle.response_complete

    def _expire(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_TOO_SLOW)
        self.transport.close()
