"""Connections to Asterisk."""

import asyncio
import ssl
from collections.abc import Callable
from urllib.parse import unquote_plus, urlsplit

from arirecord.capture.address import Address

from .http import END, Head, HttpReader

__all__ = ["dial", "login_refusal"]

_ANSWER_BYTES = 1 << 16


def _where(address: Address) -> tuple[str, int, ssl.SSLContext | None]:
    parts = urlsplit(address.base)
    is_tls = parts.scheme == "wss"
    tls = (address.tls or ssl.create_default_context()) if is_tls else None
    return parts.hostname or "", parts.port or (443 if is_tls else 80), tls


async def dial(address: Address, protocol: Callable[[], asyncio.Protocol], timeout_s: float) -> None:
    """Connect. Raises `OSError` (also `TimeoutError` and `ssl.SSLError`) if that fails."""
    host, port, tls = _where(address)
    async with asyncio.timeout(timeout_s):
        await asyncio.get_running_loop().create_connection(protocol, host, port, ssl=tls)


async def login_refusal(address: Address, request: Head, timeout_s: float) -> bytes | None:
    """Ask Asterisk whether it accepts the credentials of this handshake, by a small request with the same credentials.

    Returns its refusal as received (401 or 403), None if it accepts them. Raises `OSError` if that fails.
    """
    host, port, tls = _where(address)
    path, _, query = request.target.partition("?")
    keys = "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) == "api_key")
    target = f"{path.removesuffix('/events')}/asterisk/ping" + (f"?{keys}" if keys else "")
    lines = [f"GET {target} HTTP/1.1", f"Host: {request.get('host') or host}", "Connection: close"]
    if authorization := request.get("authorization"):
        lines.append(f"Authorization: {authorization}")
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
            status, answer = await _read_answer(reader)
        finally:
            writer.close()
    return answer if status in (401, 403) else None


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and all bytes of a response."""
    http, answer, status = HttpReader(lambda: "GET"), b"", 0
    try:
        while len(answer) < _ANSWER_BYTES and (data := await reader.read(_ANSWER_BYTES)):
            answer += data
            for event in http.feed(data):
                if isinstance(event, Head):
                    status = event.status
                elif event is END:
                    return status, answer
    except ValueError:
        status = 0
    if not status:
        raise OSError("the server does not speak HTTP")
    return status, answer
