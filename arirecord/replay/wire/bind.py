"""Listening on an address."""

import asyncio
import errno
import socket

from arirecord.replay.options import ReplayError

__all__ = ["authority", "listen"]


async def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any free one. Raises `ReplayError`, in one sentence, where it can't."""
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
