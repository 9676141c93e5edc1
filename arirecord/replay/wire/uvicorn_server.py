"""uvicorn, configured for a replay: connections are limited, and requests that are sent in part."""

import asyncio
import socket
from dataclasses import dataclass, field
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from arirecord.asterisk.login import is_same, logins_of
from arirecord.asterisk.web_access import why_not_listening
from arirecord.errors import ReplayError
from arirecord.server_limits import Deadline, connection_limit

from .batch_send import BatchProtocol

__all__ = ["ClientAuth", "LimitedHttp", "listen", "web_server"]

_REQUEST_TIMEOUT_S = 30.0
# As Asterisk: an app whose timers have 5 s, uvicorn's default, would use a connection that is just being closed.
_KEEP_ALIVE_S = 15
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class LimitedHttp(H11Protocol):
    """Answers 503 if the process can hardly open more files, and 408 if a request takes more than 30 s to arrive."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._deadline = Deadline(_REQUEST_TIMEOUT_S, self._expire)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        if len(self.connections) > connection_limit(1):
            transport.write(_FULL)
            transport.close()
        else:
            self._deadline.start()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_waiting:
            self._deadline.start()
        else:
            self._deadline.stop()

    def connection_lost(self, exc: Exception | None) -> None:
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


def web_server(app: object) -> uvicorn.Server:
    """uvicorn without features that a local replay does not need: logs, pings, compression, lifespan."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # any ASGI application
        http=LimitedHttp,
        ws=BatchProtocol,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


async def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any free port. Raises `ReplayError` if it cannot listen."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        # Named here, not 0 as in `socket.create_server`: only then asyncio sets TCP_NODELAY on what it accepts, without
        # which a frame now and then waits 40 ms for the client's delayed acknowledgement.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as error:
        raise ReplayError(why_not_listening(host, port, error, ", or 0 for any free one")) from error


@dataclass(frozen=True, slots=True)
class ClientAuth:
    """Accepts one name and password; without a `user` all clients are accepted."""

    user: str | None = None
    password: str = field(default="", repr=False)

    def allows(self, authorization: str | None, query: str) -> bool:
        """Whether an `Authorization` header or the `api_key` of a query (`app=a&api_key=u:p`) is right."""
        if self.user is None:
            return True
        expected = f"{self.user}:{self.password}"
        return any(is_same(login, expected) for login in logins_of(authorization, query))
