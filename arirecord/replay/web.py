"""What is served under which path. One port, HTTP and WebSocket, as Asterisk does it."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

__all__ = ["make_app", "refuse"]


def make_app(events: ASGIApp) -> Starlette:
    """The web application. `events` takes the WebSockets of `/ari/events`.

    What is not served is 404, also with a slash too many, as in Asterisk.
    """
    routes: list[BaseRoute] = [
        # The REST resources of ARI have their place here.
        Route("/ari/events", _upgrade_required),
        WebSocketRoute("/ari/events", events),
        WebSocketRoute("/{path:path}", _not_found),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app


async def refuse(websocket: WebSocket, status: int, title: str, text: str) -> None:
    """Answer a handshake with an HTTP error, a small page as Asterisk's, instead of a WebSocket."""
    await websocket.receive()  # ASGI wants the handshake taken before it is answered
    head = f"<head><title>{status} {title}</title></head>"
    page = f"<!DOCTYPE html>\n<html>{head}<body><h1>{title}</h1><p>{text}</p></body></html>\n"
    await websocket.send_denial_response(HTMLResponse(page, status))


async def _not_found(websocket: WebSocket) -> None:
    await refuse(websocket, 404, "Not Found", "The requested URL was not found on this server.")


async def _upgrade_required(request: Request) -> Response:
    return PlainTextResponse("Upgrade Required", 426, {"Upgrade": "websocket", "Connection": "Upgrade"})
