"""Which requests and connections a tap takes: Host and Origin, a limit of connections, a time limit for heads."""

import asyncio
import re
import resource
from collections.abc import Callable
from http import HTTPStatus

from arirecord.asterisk.web_access import WebAccess

from .http import Head

__all__ = ["Deadline", "RequestRefused", "check_head", "connection_limit", "own_response", "without_compression"]

_EXTENSIONS = re.compile(rb"\r?\nsec-websocket-extensions:[^\r\n]*", re.IGNORECASE)
_RESERVED_FILES = 100
_FILES_PER_CONNECTION = 2  # one to the app, one to Asterisk


class RequestRefused(Exception):
    """The tap answers a request itself, with this status."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


def check_head(access: WebAccess, head: Head) -> None:
    """Raise `RequestRefused` for the request of a web page that may not use this server."""
    if (refusal := access.refusal(head.get_all("host"), head.get_all("origin"))) is not None:
        raise RequestRefused(HTTPStatus.FORBIDDEN, refusal)


def own_response(status: HTTPStatus, why: str, *, is_head: bool = False) -> bytes:
    """A response of the tap itself, which ends the connection; without a body for a HEAD request."""
    body = f"arirecord tap: {why}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else body)


def without_compression(handshake: bytes) -> bytes:
    """A handshake, with the bytes after it, without its offers of extensions: compressed data cannot be parsed."""
    head, end, rest = handshake.partition(b"\r\n\r\n")
    return _EXTENSIONS.sub(b"", head) + end + rest


def connection_limit(most: int) -> int:
    """`most`, or less if this process may open fewer files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    return max(1, min(most, (soft - _RESERVED_FILES) // _FILES_PER_CONNECTION))


class Deadline:
    """Calls `expire` once `timeout_s` after `start`, unless `stop` comes first. A second `start` changes nothing."""

    def __init__(self, timeout_s: float, expire: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to wait."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._timeout_s, self._expire)

    def stop(self) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
