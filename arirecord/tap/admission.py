"""Which requests a tap passes on, and its own responses to the others."""

import re
from http import HTTPStatus

from arirecord.asterisk.web_access import WebAccess

from .http import Head

__all__ = ["RequestRefused", "check_head", "own_response", "without_compression"]

_EXTENSIONS = re.compile(rb"\r?\nsec-websocket-extensions:[^\r\n]*", re.IGNORECASE)


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
