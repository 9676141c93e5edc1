"""A small ARI to record from, on uvicorn: REST and events on one port, its moods set by the test."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.waiting import HANG_S

Script = Callable[["Ari", WebSocket], Awaitable[None]]


class Ari:
    """Answers as Asterisk does, as far as a recorder asks. Connection number n runs `scripts[n]`, later ones the last;
    an application that a connection made goes with it. `channels` gives what is answered to a request for them.
    """

    def __init__(self, *scripts: Script) -> None:
        self.scripts = scripts
        self.connections = 0
        self.applications: dict[str, dict[str, list[dict[str, str]]]] = {}
        self.asked: list[tuple[str, str, bytes]] = []
        self.booting = 0
        self.channels: Callable[[], Response] = lambda: JSONResponse({"path": "/channels"})
        self.url = ""
        self.news = asyncio.Event()
        self.is_let_go = threading.Event()

    async def rest(self, request: Request) -> Response:
        body = await request.body()
        path = request.url.path.removeprefix("/ari")
        self.asked.append((request.method, path, body))
        self.news.set()
        if self.booting:
            self.booting -= 1
            return Response("Service Unavailable", 503)
        name = path.split("/")[2] if path.startswith("/applications/") else ""
        if path.endswith("/eventFilter"):
            wanted = await request.json()
            self.applications[name] = {f"events_{key}": value for key, value in wanted.items()}
        if name and name not in self.applications:
            return JSONResponse({"message": "Application not found"}, 404)
        if name:
            return JSONResponse({"name": name, **self.applications[name]})
        if path == "/api-docs/resources.json":
            return JSONResponse({"apis": [{"path": "/api-docs/events.{format}"}, {"path": "/api-docs/last.{format}"}]})
        if path == "/channels":
            return self.channels()
        return JSONResponse({"path": path})

    async def events(self, socket: WebSocket) -> None:
        if self.booting:
            self.booting -= 1
            await socket.send_denial_response(Response("Service Unavailable", 503))
            return
        number = min(self.connections, len(self.scripts) - 1)
        self.connections += 1
        name = socket.query_params["app"]
        is_new = name not in self.applications
        self.applications.setdefault(name, {"events_allowed": [], "events_disallowed": []})
        await socket.accept()
        try:
            await self.scripts[number](self, socket)
        finally:
            if is_new:
                self.applications.pop(name, None)


@contextmanager
def running(ari: Ari, certificate: Path | None = None) -> Iterator[Ari]:
    """Serve it on a free port of loopback, in a thread."""
    routes = [
        WebSocketRoute("/ari/events", ari.events),
        Route("/ari/{path:path}", ari.rest, methods=["GET", "PUT", "POST", "DELETE"]),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes),
        log_level="critical",
        ws="websockets-sansio",
        lifespan="off",
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=certificate,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    ari.url = f"http{'s' if certificate else ''}://127.0.0.1:{listening.getsockname()[1]}/ari"
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        yield ari
    finally:
        server.should_exit = True
        thread.join(HANG_S)
        listening.close()
