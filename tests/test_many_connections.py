"""Many connections, and requests that never end: replay and tap go on serving, and no traceback is printed."""

import asyncio
import re
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from time import process_time
from typing import Any

import httpx2
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.replay.wire import uvicorn_server
from arirecord.session.rows import own_text
from arirecord.tap.http import HttpReader

from .capture.tap_world import World, client, dial, world
from .replay.support import make, run

LISTENS = re.compile(r"(?:Replaying|your app to).*?127\.0\.0\.1:(\d+)")
EVENT = '{"type":"StasisStart","application":"recorder","args":[],"channel":{"id":"1"}}'


class Started:
    """A process that listens, its port, and what it prints."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.port = port
        self._process = process

    def stop(self) -> str:
        """End it; returns what it printed since it began to listen."""
        self._process.send_signal(signal.SIGTERM)
        printed = self._process.communicate()[1]
        assert self._process.returncode == 0
        return printed


@contextmanager
def started(files: int, *args: str, folder: Path) -> Iterator[Started]:
    """A command that may open so many files."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    command = [sys.executable, "-m", "arirecord", *args]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=limit, cwd=folder) as process:
        assert process.stderr is not None
        try:
            while not (
                found := re.search(
                    r"(?:replaying|your app to).*?127\.0\.0\.1:(\d+)", line := process.stderr.readline(), re.I
                )
            ):
                assert line, "it did not start"
            yield Started(process, int(found[1]))
        finally:
            process.kill()


@asynccontextmanager
async def idle(port: int, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections on which nothing is sent."""
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            readers.append(reader)
            stack.callback(writer.close)
        yield readers


async def ping(port: int) -> int:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return (await http.get(f"http://127.0.0.1:{port}/ari/asterisk/ping")).status_code


@pytest.mark.slow
def test_a_replay_serves_more_connections_than_select_can(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("this system does not let a process open 2,048 files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    make(tmp_path / "s.parquet", [(0, EVENT)])

    async def main(port: int) -> int:
        async with idle(port, 1100):
            return await ping(port)

    with started(2048, "replay", "s.parquet", "--port", "0", folder=tmp_path) as process:
        assert run(main(process.port)) == 200
        assert process.stop() == ""


@pytest.mark.slow
def test_a_replay_answers_503_when_it_can_open_no_more_files(tmp_path: Path) -> None:
    make(tmp_path / "s.parquet", [(0, EVENT)])

    async def main(port: int) -> tuple[int, int]:
        async with idle(port, 200):
            full = await ping(port)
        while (status := await ping(port)) == 503:
            pass
        return full, status

    with started(200, "replay", "s.parquet", "--port", "0", folder=tmp_path) as process:
        assert run(main(process.port)) == (503, 200)
        assert "Traceback" not in process.stop()


@pytest.mark.slow
async def test_idle_connections_do_not_keep_requests_out_of_a_tap(tmp_path: Path) -> None:
    """It has fewer files than there are connections."""

    async with world(tmp_path / "other.parquet") as here:
        arguments = ["tap", "--listen", ":0", "--upstream", here.asterisk.url, "-o", "s.parquet"]
        with started(200, *arguments, folder=tmp_path) as process:
            async with idle(process.port, 300), client() as http:
                answer = await http.get(f"http://127.0.0.1:{process.port}/ari/asterisk/ping")
            printed = await asyncio.to_thread(process.stop)

    assert answer.status_code == 200
    assert "the limit: idle ones are closed" in printed
    assert "Traceback" not in printed


async def test_a_full_tap_keeps_what_is_in_use(tmp_path: Path) -> None:
    """Event streams stay; a new connection is answered 503."""
    async with world(tmp_path / "s.parquet", max_connections=2) as here, dial(here, "a") as a, dial(here, "b"):
        answer = await ask(here, b"GET /ari/asterisk/ping HTTP/1.1\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        asterisk = await here.asterisk.peers.get()
        await asterisk.send("still there")
        assert await a.recv() == "still there"


async def ask(here: World, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.tap.port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("half", [b"", b"GET /ari/x HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
async def test_half_a_head_ends_in_a_tap(half: bytes, tmp_path: Path) -> None:
    async with world(tmp_path / "s.parquet", head_timeout_s=0.05) as here:
        assert (await ask(here, half)).startswith(b"HTTP/1.1 408 ")
        assert here.tap.status.rest_count == 0


async def test_a_head_without_end_is_refused_by_a_tap(tmp_path: Path) -> None:
    """It is not passed on."""
    async with world(tmp_path / "s.parquet") as here:
        answer = await ask(here, b"GET /ari/x HTTP/1.1\r\nX: " + b"y" * (1 << 17))
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert here.asterisk.asked == []


def test_a_head_in_single_bytes_is_searched_once() -> None:
    """Each piece used to search all before it: 28 s of processor time for this head."""
    reader, began = HttpReader(), process_time()
    head = b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000 + b"\r\n"
    events = [event for place in range(len(head)) for event in reader.feed(head[place : place + 1])]

    assert len(events) == 2
    assert process_time() - began < 5


@pytest.mark.parametrize(
    "half",
    [b"", b"GET /ari/x HTTP/1.1\r\nX: ", b"POST /ari/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhal"],
)
async def test_half_a_request_ends_in_a_replay(half: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_server, "_REQUEST_TIMEOUT_S", 0.05)
    session = make(tmp_path / "s.parquet", [(0, EVENT)])
    async with ReplayServer(session, ReplayOptions()) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(half)
        await reader.read()  # hangs without the limit
        writer.close()


def test_a_flood_over_one_websocket_does_not_hold_up_others(tmp_path: Path) -> None:
    """A request over HTTP does not wait for 2,000 requests that came over a WebSocket before it."""
    session = make(tmp_path / "s.parquet", [(0, EVENT)])
    request = {"type": "RESTRequest", "request_id": "1", "method": "GET", "uri": "channels"}
    frame = Frame(Opcode.TEXT, orjson.dumps(request)).serialize(mask=True)
    answered: list[object] = []

    async def main() -> int:
        async with (
            ReplayServer(session, ReplayOptions(start_paused=True), on_exchange=answered.append) as server,
            httpx2.AsyncClient(trust_env=False) as http,
            connect(f"{server.url}?app=recorder", proxy=None, max_queue=None) as socket,
        ):
            await http.get(f"{server.http_url}/ari/asterisk/ping")  # a connection that it can use again
            socket.transport.write(frame * 2000)
            await http.get(f"{server.http_url}/ari/asterisk/ping")
            return len(answered)

    assert run(main()) < 1000


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "text/x\r\nSet-Cookie: a=b"),
        (200, "text/ž"),
        (200, "a\x00b"),
        (200, ""),
        (204, "text/plain"),
        (304, "text/plain"),
    ],
)
def test_hostile_recorded_responses_are_served(status: int, kind: str, tmp_path: Path) -> None:
    exchange: dict[str, Any] = {"by": "app", "method": "POST", "uri": "/ari/channels/c/ring", "status": status}
    text = own_text("rest", "POST", **exchange, answer_type=kind, answer_body="a body")
    session = make(tmp_path / "s.parquet", [(0, text)], kind="rest")

    async def main() -> httpx2.Response:
        async with ReplayServer(session, ReplayOptions()) as server, httpx2.AsyncClient(trust_env=False) as http:
            return await http.post(f"{server.http_url}/ari/channels/c/ring")

    answer = run(main())
    assert answer.status_code == status
    assert "Set-Cookie" not in answer.headers
    assert answer.content == (b"a body" if status == 200 else b"")
