"""A small Asterisk that a test drives by hand, and a tap in front of it. Real sockets on both sides."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx2
import orjson
import uvicorn
from websockets.asyncio.client import connect

from arirecord.capture.address import Address
from arirecord.capture.recorder import Recorder
from arirecord.session.reader import open_session
from arirecord.tap import Tap, TapOptions

USER, PASSWORD = "ari", "s3cret-pässword"
TOKEN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
AUTHORIZATION = f"Basic {TOKEN}"
LOGIN = {"Authorization": AUTHORIZATION}
FRAMES = [
    '{"type":"StasisStart","application":"app","args":[],"channel":{"id":"1"}}',
    '{"type":"Dial","dialstring":"ümlaut ☎ \\u0000"}',
    '{\n  "type" : "ChannelVarset"\n}',
    "",
    "no JSON at all",
    '{"type":"Dial","dialstring":"' + "x" * 300_000 + '"}',
]
HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:8088\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
)


class Peer:
    """Asterisk's end of one WebSocket. `said` are the messages that came, at last `(code, reason)` of the end."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.query = parse_qs(scope["query_string"].decode())
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.gone = asyncio.Event()
        self._receive, self._send = receive, send

    async def send(self, message: str | bytes) -> None:
        key = "text" if isinstance(message, str) else "bytes"
        await self._send({"type": "websocket.send", key: message})

    async def close(self, code: int, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def abort(self) -> None:
        """Break the TCP connection without a Close frame."""
        self._receive.__self__.transport.abort()

    async def listen(self) -> None:
        while (message := await self._receive())["type"] != "websocket.disconnect":
            found = message.get("text")
            self.said.put_nowait(message["bytes"] if found is None else found)
        self.said.put_nowait((message["code"], message.get("reason") or ""))
        self.gone.set()


@dataclass
class Asked:
    """One HTTP request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Asterisk:
    """Answers as Asterisk does: credentials, application names, one port. HTTP requests get `answer`."""

    answer: tuple[int, dict[str, str], list[bytes]] = (200, {"Content-Type": "application/json"}, [b"{}"])
    is_booting: bool = False
    asked: list[Asked] = field(default_factory=list)
    peers: asyncio.Queue[Peer] = field(default_factory=asyncio.Queue)
    peer_count: int = 0
    url: str = ""
    release: asyncio.Event | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].partition("/")[0])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {key.decode(): value.decode("latin-1") for key, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode())
        is_socket = scope["type"] == "websocket"
        refusal = self.refusal(scope["path"], headers, query, is_socket)
        if not is_socket:
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            target = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if query else "")
            self.asked.append(Asked(scope["method"], target, headers, body))
            self.news.set()
            if self.release is not None:
                await self.release.wait()
            await respond(send, "http.response", *(refusal or self.answer))
            return
        await receive()
        if refusal is not None:
            await respond(send, "websocket.http.response", *refusal)
            return
        await send({"type": "websocket.accept", "subprotocol": "ari" if "ari" in scope["subprotocols"] else None})
        peer = Peer(scope, receive, send)
        self.peer_count += 1
        self.peers.put_nowait(peer)
        await peer.listen()

    def refusal(
        self, path: str, headers: dict[str, str], query: dict[str, list[str]], is_socket: bool
    ) -> tuple[int, dict[str, str], list[bytes]] | None:
        if self.is_booting:
            return 503, {"Content-Type": "text/html", "Retry-After": "3"}, [b"<h1>503</h1>"]
        keys = {headers.get("authorization"), *query.get("api_key", [])}
        if not keys & {AUTHORIZATION, f"{USER}:{PASSWORD}"}:
            shown = {"Content-Type": "application/json", "WWW-Authenticate": 'Basic realm="Asterisk REST Interface"'}
            return 401, shown, [b'{"message":"Authentication required"}']
        if is_socket and path != "/ari/events":
            return 404, {"Content-Type": "text/html"}, [b"<h1>404</h1>"]
        if is_socket and not query.get("app"):
            return 400, {"Content-Type": "text/html"}, [b"<h1>HTTP request is missing param: [app]</h1>"]
        return None


async def respond(send: Any, kind: str, status: int, headers: dict[str, str], parts: list[bytes]) -> None:
    pairs = [(key.encode(), value.encode()) for key, value in headers.items()]
    await send({"type": f"{kind}.start", "status": status, "headers": pairs})
    for part in parts:
        await send({"type": f"{kind}.body", "body": part, "more_body": True})
    await send({"type": f"{kind}.body", "body": b"", "more_body": False})


@asynccontextmanager
async def serving(asterisk: Asterisk, certificate: Path | None = None) -> AsyncIterator[Asterisk]:
    """Serve it on a free port of loopback, in this event loop."""
    config = uvicorn.Config(
        asterisk,
        ws="websockets-sansio",
        ws_ping_interval=None,
        ws_per_message_deflate=True,
        lifespan="off",
        log_level="critical",
        ssl_certfile=certificate,
        ssl_keyfile=certificate,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listening = socket.create_server(("127.0.0.1", 0))
    asterisk.url = f"http{'s' if certificate else ''}://127.0.0.1:{listening.getsockname()[1]}/ari"
    await server.startup([listening])
    try:
        yield asterisk
    finally:
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await server.shutdown([listening])


class Said(list[str]):
    """Sentences, and news of them."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()

    def append(self, sentence: str) -> None:
        super().append(sentence)
        self.news.set()


@dataclass
class World:
    """Asterisk, the tap in front of it, what the tap said to its person, and its recorder."""

    asterisk: Asterisk
    tap: Tap
    recorder: Recorder
    said: Said

    @property
    def http(self) -> str:
        """Base URL of the ARI as an application sees it."""
        return self.tap.url

    def events(self, application: str = "app", more: str = "") -> str:
        """URL of events as an application sees it."""
        return f"ws{self.tap.url.removeprefix('http')}/events?app={application}{more}"

    async def told(self, word: str) -> str:
        """Wait until the person was told something with this word in it."""
        while True:
            for sentence in self.said:
                if word in sentence:
                    return sentence
            self.said.news.clear()
            await self.said.news.wait()


@asynccontextmanager
async def world(target: Path, *, upstream: str | None = None, **options: Any) -> AsyncIterator[World]:
    """A tap in front of an Asterisk; behind the block the recording is sealed into `target`."""
    said = Said()
    recorder = Recorder(target, {"verb": "tap"}, sync_interval_s=None)
    async with serving(Asterisk()) as asterisk:
        settings = TapOptions(Address.parse(upstream or asterisk.url), port=0, **options)
        async with Tap(settings, lambda: recorder, said.append) as tap:
            yield World(asterisk, tap, recorder, said)
    recorder.close()
    recorder.seal()


def raws(target: Path) -> list[str]:
    """The frames of a session."""
    return [frame.raw for frame in open_session(target).frames()]


def rows(target: Path, kind: str) -> list[dict[str, Any]]:
    """Rows of a kind, as objects whose keys have lost their prefix."""
    found = [orjson.loads(frame.raw) for frame in open_session(target).frames(kinds=[kind])]
    return [{key.removeprefix(f"{kind}_"): value for key, value in row.items()} for row in found]


def everything(target: Path) -> str:
    """All that a session says, in any column and in its header."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(target)
    return repr(table.to_pylist()) + repr(table.schema.metadata)


def dial(where: World, application: str = "app", more: str = "", **options: Any) -> connect:
    """A WebSocket of an application, as most write it."""
    return connect(where.events(application, more), additional_headers=LOGIN, proxy=None, **options)


def client(**options: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(trust_env=False, headers=LOGIN, **options)


async def ask(port: int, request: bytes) -> bytes:
    """All that a server sends to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return answer
