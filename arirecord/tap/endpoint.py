"""One socket of a proxied connection."""

import asyncio
import socket
import struct
from typing import Protocol

__all__ = ["Endpoint", "Owner"]

_LINGER_NOT = struct.pack("ii", 1, 0)


class Owner(Protocol):
    """Receives the events of a socket."""

    def made(self, side: "Endpoint") -> None:
        """The socket is connected."""

    def received(self, side: "Endpoint", data: bytes) -> None:
        """Bytes arrived."""

    def ended(self, side: "Endpoint") -> None:
        """The peer will send no more; it may still read."""

    def lost(self, side: "Endpoint", error: Exception | None) -> None:
        """The connection is gone: closed, or broken by `error`."""

    def congested(self, side: "Endpoint", is_congested: bool) -> None:
        """The write buffer is full, or has drained."""


class Endpoint(asyncio.Protocol):
    """A socket that reports its events to its owner. All methods can be called at any time.

    `has_ended` is whether the peer will send no more, `is_over` whether the connection was made and is gone.
    """

    def __init__(self, owner: Owner) -> None:
        self.has_ended = False
        self.is_over = False
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._is_finished = False
        self._is_tls = False

    @property
    def exists(self) -> bool:
        """Whether it was ever connected."""
        return self._transport is not None

    @property
    def is_open(self) -> bool:
        """Whether it is connected and not being closed."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def peer(self) -> str:
        """Address of the peer."""
        address = self._transport.get_extra_info("peername") if self._transport else None
        if not address:
            return "unknown"
        return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"

    @property
    def behind_bytes(self) -> int:
        """Bytes written that the socket has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def write(self, data: bytes) -> None:
        """Send, now or when the socket takes it."""
        if self._transport is not None and not self._is_finished and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self) -> bool:
        """End the sending direction after all written data. False if the connection cannot do that."""
        if self._transport is None or not self._transport.can_write_eof():
            return False
        if self.is_open and not self._is_finished:
            self._is_finished = True
            self._transport.write_eof()
        return True

    def close(self) -> None:
        """Close after all written data."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Abort: the peer sees the connection reset."""
        if self._transport is None:
            return
        own_socket: socket.socket | None = self._transport.get_extra_info("socket")
        if own_socket is not None and own_socket.fileno() >= 0:
            own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def pause(self, is_paused: bool) -> None:
        """Pause or resume reading."""
        if self.is_open and not self.has_ended and self._transport is not None:
            if is_paused:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        own_socket: socket.socket | None = transport.get_extra_info("socket")
        if own_socket is not None:
            own_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._owner.made(self)

    def data_received(self, data: bytes) -> None:
        self._owner.received(self, data)

    def eof_received(self) -> bool:
        self.has_ended = True
        self._owner.ended(self)
        return not self._is_tls  # True: writing goes on; TLS can't

    def pause_writing(self) -> None:
        self._owner.congested(self, True)

    def resume_writing(self) -> None:
        self._owner.congested(self, False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over = True
        self._owner.lost(self, exc)
