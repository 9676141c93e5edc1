"""uvicorn, configured for a replay."""

import asyncio
import errno
import socket
from dataclasses import dataclass, field

import uvicorn

from arirecord.asterisk.login import is_same, logins_of
from arirecord.errors import ReplayError

from .batch_send import BatchProtocol
from .limited_http import LimitedHttp

__all__ = ["ClientAuth", "authority", "listen", "web_server"]


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
        if error.errno == errno.EADDRINUSE:
            why = f"port {port} of {host} is in use by another program; choose another, or 0 for any free one"
            raise ReplayError(why) from error
        raise ReplayError(f"can't listen on port {port} of {host}: {error.strerror or error}") from error


def authority(host: str, port: int) -> str:
    """`host:port` as a client on this machine writes it into a URL."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
