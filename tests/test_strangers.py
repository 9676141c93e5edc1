"""Strangers on the network and web pages: what they send to a replay, a listening capture and a tap is refused."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

import arirecord
from arirecord.capture.listener import Listener, ListenOptions
from arirecord.capture.recorder import Recorder
from arirecord.capture.rotation import SingleFile
from arirecord.cli import cli
from arirecord.errors import ReplayError
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer

from .capture.tap_world import LOGIN, world
from .replay.support import make, run
from .report.browser import launched

ONE_EVENT = '{"type":"StasisStart","application":"recorder","args":[],"channel":{"id":"secret-call"}}'


@asynccontextmanager
async def a_replay(folder: Path, **options: Any) -> AsyncIterator[int]:
    session = make(folder / "replayed.parquet", [(0, ONE_EVENT)])
    async with ReplayServer(session, ReplayOptions(port=0, **options)) as server:
        yield server.port


@asynccontextmanager
async def a_listener(folder: Path, **options: Any) -> AsyncIterator[int]:
    recorder = Recorder(SingleFile(folder / "listened.parquet"), {"verb": "capture"}, sync_interval_s=None)
    is_open = asyncio.Event()

    def begin() -> Recorder:
        is_open.set()
        return recorder

    listener, stop = Listener(ListenOptions("127.0.0.1", 0, **options), begin), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.run(stop))
        await is_open.wait()
        yield listener.port
        stop.set()
    recorder.close()


@asynccontextmanager
async def a_tap(folder: Path, **options: Any) -> AsyncIterator[int]:
    async with world(folder / "tapped.parquet", **options) as here:
        yield here.tap.port
        assert here.asterisk.peer_count == 0
        assert here.asterisk.asked == []


Serving = Callable[..., AbstractAsyncContextManager[int]]
EACH_SERVER = pytest.mark.parametrize("serving", [a_replay, a_listener, a_tap])
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://evil.example:port"},
    {"Host": "evil.example:8088"},
    {"Host": "evil.example:8088", "Origin": "http://evil.example:8088"},
]


async def status_of(port: int, first: str, headers: dict[str, str]) -> bytes:
    """The first line of the answer to a request."""
    lines = [first, *(f"{name}: {value}" for name, value in ({"Host": f"127.0.0.1:{port}"} | headers).items())]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await reader.readline()
    writer.close()
    return answer


def handshake(**more: str) -> dict[str, str]:
    return {
        **LOGIN,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEA==",
        **more,
    }


@EACH_SERVER
@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_page_gets_no_websocket(serving: Serving, headers: dict[str, str], tmp_path: Path) -> None:
    async def main() -> bytes:
        async with serving(tmp_path) as port:
            return await status_of(port, "GET /ari/events?app=recorder HTTP/1.1", handshake(**headers))

    assert run(main()).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("serving", [a_replay, a_tap])
@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    "first",
    [
        "GET /ari/channels",
        "POST /ari/channels?endpoint=a&app=b",
        "OPTIONS /ari/channels",
        "POST /control/pause",
        "GET /x",
    ],
)
def test_a_foreign_page_cannot_ask_or_command(
    serving: Serving, headers: dict[str, str], first: str, tmp_path: Path
) -> None:
    async def main() -> bytes:
        async with serving(tmp_path) as port:
            return await status_of(port, f"{first} HTTP/1.1", headers)

    assert run(main()).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("serving", [a_replay, a_tap])
def test_each_request_of_a_connection_is_checked(serving: Serving, tmp_path: Path) -> None:
    """A browser sends the requests of all pages over the same connections."""

    async def main() -> bytes:
        async with serving(tmp_path) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"GET /ari/asterisk/ping HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            writer.write(f"{head}Origin: https://evil.example\r\n\r\n{head}\r\n".encode())
            answer = await reader.read()
            writer.close()
            return answer

    assert run(main()).count(b"HTTP/1.1 403 ") == 1


def test_a_second_request_through_a_tap_is_checked(tmp_path: Path) -> None:
    async def main() -> tuple[bytes, bytes, int]:
        async with world(tmp_path / "s.parquet") as here:
            reader, writer = await asyncio.open_connection("127.0.0.1", here.tap.port)
            login = f"Host: 127.0.0.1\r\nAuthorization: {LOGIN['Authorization']}\r\n"
            writer.write(f"GET /ari/one HTTP/1.1\r\n{login}\r\n".encode())
            first = await reader.readuntil(b"0\r\n\r\n")
            writer.write(f"DELETE /ari/two HTTP/1.1\r\n{login}Origin: https://evil".encode())
            writer.write(b".example\r\n\r\n")
            second = await reader.read()
            writer.close()
            return first, second, len(here.asterisk.asked)

    first, second, asked = run(main())
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 403 ")
    assert asked == 1


@EACH_SERVER
def test_a_stated_origin_is_served(serving: Serving, tmp_path: Path) -> None:
    headers = handshake(Origin="https://phone.example", Host="recorder.example:8088", Authorization="")

    async def main() -> bytes:
        options = {"allow_origin": ["https://phone.example"], "allow_host": ["recorder.example"]}
        async with serving(tmp_path, **options) as port:
            return await status_of(port, "GET /ari/events?app=recorder HTTP/1.1", headers)

    assert not run(main()).startswith(b"HTTP/1.1 403 ")


async def test_a_foreign_frame_is_not_recorded(tmp_path: Path) -> None:
    async with a_listener(tmp_path) as port:
        await status_of(port, "GET / HTTP/1.1", handshake(Origin="https://evil.example"))

    assert b"evil" not in (tmp_path / "listened.parquet.journal").read_bytes()


def test_answers_may_be_read_by_pages_of_this_machine(tmp_path: Path) -> None:
    async def main() -> bytes:
        async with a_replay(tmp_path) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = [
                "OPTIONS /ari/channels HTTP/1.1",
                f"Host: localhost:{port}",
                "Origin: http://localhost:3000",
                "Access-Control-Request-Method: POST",
                "Connection: close",
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            answer = await reader.read()
            writer.close()
            return answer.lower()

    answer = run(main())
    assert answer.startswith(b"http/1.1 204 ")
    assert b"access-control-allow-origin: http://localhost:3000\r\n" in answer
    assert b"allow: get,post,options\r\n" in answer


@pytest.mark.parametrize(
    "command",
    [
        ["replay", "s.parquet", "--host", "0.0.0.0"],
        ["replay", "s.parquet", "--host", "127.evil.example"],
        ["capture", "--listen", "192.0.2.7:9000"],
        ["capture", "--listen", "[::]:9000"],
        ["tap", "--listen", "0.0.0.0:8089"],
    ],
)
def test_beyond_this_machine_a_password_is_needed(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "s.parquet", [(0, ONE_EVENT)])

    result = CliRunner().invoke(cli, command)

    assert result.exit_code == 2
    assert "Other machines can reach" in result.stderr
    assert "--insecure-open" in result.stderr


def test_the_library_needs_the_same(tmp_path: Path) -> None:
    session = make(tmp_path / "s.parquet", [(0, ONE_EVENT)])

    with pytest.raises(ReplayError, match=r"^other machines can reach 0\.0\.0\.0"):
        ReplayServer(session, ReplayOptions(host="0.0.0.0"))

    assert arirecord.replay(session, host="0.0.0.0", insecure_open=True)


PAGE = """<!DOCTYPE html><script>
const attempt = async (what, how) => { try { return [what, await how()] } catch (error) { return [what, "refused"] } }
const socket = url => new Promise((done, fail) => {
    const opened = new WebSocket(url)
    opened.onmessage = () => done("frames")
    opened.onerror = () => fail()
})
window.attack = async port => Object.fromEntries(await Promise.all([
    attempt("websocket", () => socket(`ws://127.0.0.1:${port}/ari/events?app=recorder&subscribeAll=true`)),
    attempt("rebound websocket", () => socket(`ws://rebound.example:${port}/ari/events?app=recorder`)),
    attempt("read", async () => (await fetch(`http://127.0.0.1:${port}/ari/channels`)).text()),
    attempt("rebound read", async () => (await fetch(`http://rebound.example:${port}/ari/channels`)).text()),
    attempt("command", async () => {
        const url = `http://127.0.0.1:${port}/ari/channels?endpoint=a&app=b&channelId=x`
        await fetch(url, {method: "POST", mode: "no-cors"})
        return "sent"
    }),
]))
</script>"""


class Page(BaseHTTPRequestHandler):
    """A web server that serves `PAGE` under any name."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def a_web_server() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@contextmanager
def a_replay_process(session: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "arirecord", "replay", str(session), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        try:
            yield int(said.split("/ari/events")[0].rpartition(":")[2])
        finally:
            process.terminate()


@pytest.mark.slow
def test_a_page_in_a_real_browser_reads_only_from_this_machine(tmp_path: Path) -> None:
    """Foreign pages get no frame and no answer, also under a name that was rebound to 127.0.0.1."""
    session = make(tmp_path / "s.parquet", [(0, ONE_EVENT)])
    names = "--host-resolver-rules=MAP *.example 127.0.0.1"
    with a_replay_process(session) as port, a_web_server() as web, launched(names) as browser:

        def attacked(host: str) -> dict[str, str]:
            page = browser.new_page()
            page.goto(f"http://{host}:{web}/")
            found: dict[str, str] = page.evaluate("port => attack(port)", port)
            return found

        foreign, own = attacked("evil.example"), attacked("localhost")

    assert foreign["command"] == own["command"] == "sent"  # a browser does not show the status
    assert {name: foreign[name] for name in foreign if name != "command"} == {
        "websocket": "refused",
        "rebound websocket": "refused",
        "read": "refused",
        "rebound read": "refused",
    }
    assert own["websocket"] == "frames"
    assert own["rebound read"] == "refused"
    assert isinstance(json.loads(own["read"]), list)
