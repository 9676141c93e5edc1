"""The paths that a replay serves: HTTP and WebSocket on one port, as in Asterisk."""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, Protocol
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from arirecord.asterisk.login import CHALLENGE
from arirecord.asterisk.web_access import WebAccess
from arirecord.replay.rest.messages import RestRequest, RestResponse, error

from .uvicorn_server import ClientAuth

__all__ = ["Web", "refuse"]

_MOST: Final = 1 << 20


class Served(Protocol):
    """What is behind the paths: the WebSockets of `/ari/events`, requests under `/ari` and under `/control`."""

    async def connect(self, scope: Scope, receive: Receive, send: Send) -> None: ...
    async def media(self, scope: Scope, receive: Receive, send: Send, connection_id: str) -> bool: ...
    def answer(self, request: RestRequest, address: str) -> AbstractAsyncContextManager[RestResponse]: ...
    async def steer(self, request: RestRequest) -> RestResponse: ...


class Web:
    """The web application, an ASGI one.

    Any path outside `/ari` and `/control` is 404, also one with a slash too many, as in Asterisk. Methods and `/ari`
    may be in lower or upper case. A request that `access` refuses is 403.
    """

    def __init__(self, served: Served, auth: ClientAuth, access: WebAccess) -> None:
        self._served = served
        self._auth = auth
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            request = Request(scope, receive)
            async with AsyncExitStack() as until_sent:
                try:
                    response = await self._http(request, until_sent)
                except ClientDisconnect:
                    return
                for name, value in self._cors(request).items():
                    response.headers[name] = value
                await response(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        if (refusal := self._refusal(websocket)) is not None:
            await refuse(websocket, 403, "Forbidden", f"{refusal}.")
        elif scope["path"].startswith("/media/"):  # without a password, as in Asterisk: the id is the secret
            if not await self._served.media(scope, receive, send, scope["path"].removeprefix("/media/")):
                await refuse(websocket, 404, "Not Found", "The requested URL was not found on this server.")
        elif scope["path"] != "/ari/events":
            await refuse(websocket, 404, "Not Found", "The requested URL was not found on this server.")
        elif not self._allowed(websocket):
            await refuse(websocket, 401, "Unauthorized", "A name and a password are required.", CHALLENGE)
        elif scope["subprotocols"] and "ari" not in scope["subprotocols"]:
            await refuse(websocket, 400, "Bad Request", "The sub-protocol of ARI is ari.")
        else:
            await self._served.connect(scope, receive, send)

    async def _http(self, request: Request, until_sent: AsyncExitStack) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return _response(error(403, refusal, {"Connection": "close"}))
        path = _raw_path(request)
        controls = path.startswith("/control/")
        if path[:5].lower() != "/ari/" and not controls:
            return _page(404, "Not Found", "The requested URL was not found on this server.")
        # A browser sends a preflight request first, without a password.
        if not self._allowed(request) and request.method != "OPTIONS":
            return _response(error(401, "Authentication required", CHALLENGE))
        if path == "/ari/events" and request.method == "GET":
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            return PlainTextResponse("Upgrade Required", 426, headers)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST:
                return _response(error(413, "Request body too large", {"Connection": "close"}))
        query = request.scope["query_string"].decode("latin-1")
        target = (path if controls else path[4:]) + (f"?{query}" if query else "")
        rest_request = RestRequest(
            request.method.upper(), target, body, request.headers.get("content-type"), _base(request)
        )
        if controls:
            return _response(await self._served.steer(rest_request))
        client = request.client
        answer = self._served.answer(rest_request, f"{client.host}:{client.port}" if client else "unknown")
        return _response(await until_sent.enter_async_context(answer))

    def _allowed(self, asked: Request | WebSocket) -> bool:
        query = asked.scope["query_string"].decode("latin-1")
        return self._auth.allows(asked.headers.get("authorization"), query)

    def _refusal(self, asked: Request | WebSocket) -> str | None:
        return self._access.refusal(asked.headers.getlist("host"), asked.headers.getlist("origin"))

    def _cors(self, request: Request) -> dict[str, str]:
        """Headers that let allowed pages read responses; other pages must not read a recording."""
        origin = request.headers.get("origin")
        if origin is None or self._refusal(request) is not None:
            return {}
        headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}
        if request.method == "OPTIONS":
            wanted = request.headers.get("access-control-request-headers")
            headers["Access-Control-Allow-Methods"] = "GET,POST,PUT,DELETE,OPTIONS"
            headers |= {"Access-Control-Allow-Headers": wanted} if wanted else {}
        return headers


async def refuse(
    websocket: WebSocket, status: int, title: str, text: str, headers: dict[str, str] | None = None
) -> None:
    """Answer a handshake with an HTTP error and a small page like Asterisk's, instead of a WebSocket."""
    await websocket.receive()  # ASGI expects the handshake to be received before it is answered
    await websocket.send_denial_response(_page(status, title, text, headers))


def _page(status: int, title: str, text: str, headers: dict[str, str] | None = None) -> Response:
    head = f"<head><title>{status} {title}</title></head>"
    page = f"<!DOCTYPE html>\n<html>{head}<body><h1>{title}</h1><p>{text}</p></body></html>\n"
    return HTMLResponse(page, status, headers)


def _response(response: RestResponse) -> Response:
    is_empty = response.status in (204, 304)  # such a response has no body, also if one was recorded
    content_type = response.content_type
    if not (content_type.isascii() and content_type.isprintable()):
        content_type = "application/octet-stream"
    content = b"" if is_empty else response.content
    return Response(content, response.status, dict(response.headers), None if is_empty else content_type)


def _raw_path(request: Request) -> str:
    """The path as it was sent: an encoded slash may belong to an id."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return raw.decode("latin-1").partition("?")[0]


def _base(request: Request) -> str:
    scheme = request.scope.get("scheme", "http")
    host = request.headers.get("host") or "{}:{}".format(*request.scope["server"])
    return f"{scheme}://{host}/ari"
