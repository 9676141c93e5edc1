"""`arirecord capture` against real servers: what it records, and what it says when it can't."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from arirecord.capture.address import Address
from arirecord.errors import CaptureError
from arirecord.session.reader import open_session
from arirecord.session.rows import END_OF_RECORDING
from tests.cli.conftest import COMMAND
from tests.waiting import HANG_S, wait_for

Handler = Callable[[ServerConnection], Awaitable[None]]
Check = Callable[[ServerConnection, Request], Response | None]


@contextmanager
def server(handler: Handler, check: Check | None = None) -> Iterator[str]:
    """A WebSocket server in a thread; gives the URL to capture from."""
    loop = asyncio.new_event_loop()
    started: list[int] = []
    stop = asyncio.Event()
    ready = threading.Event()

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0, process_request=check, compression=None) as listening:
            started.append(listening.sockets[0].getsockname()[1])
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait(HANG_S)
    try:
        yield f"http://127.0.0.1:{started[0]}/ari"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(HANG_S)
        loop.close()


def capture(url: str, target: Path, *args: str, **environment: str) -> "subprocess.Popen[str]":
    command = [*COMMAND, "capture", "--url", url, "-o", str(target), *args]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
    )


def finish(process: "subprocess.Popen[str]", code: int = 0) -> str:
    try:
        _, words = process.communicate(timeout=HANG_S)
    finally:
        process.kill()
    assert process.returncode == code, words
    assert "Traceback" not in words
    return words


def raws(target: Path) -> list[str]:
    return [frame.raw for frame in open_session(target).frames()]


FRAMES = [f'{{"type":"Dial","dialstring":"{n}","ü":"\\u00e9"}}' for n in range(3000)]


async def send_all(connection: ServerConnection) -> None:
    for frame in FRAMES:
        await connection.send(frame)


async def send_and_close(connection: ServerConnection) -> None:
    await send_all(connection)
    await connection.close(1000, END_OF_RECORDING)


async def send_and_hold(connection: ServerConnection) -> None:
    await send_all(connection)
    await connection.wait_closed()


async def send_and_break(connection: ServerConnection) -> None:
    await send_all(connection)
    await connection.ping()
    assert connection.transport is not None
    connection.transport.abort()


WITHOUT_EPOLL = """
import os, select, selectors
del os.fdatasync, select.epoll, selectors.EpollSelector
selectors.DefaultSelector = selectors.PollSelector
import sys
from arirecord.cli import main
main(sys.argv[1:])
"""


def test_systems_without_epoll_record(tmp_path: Path) -> None:
    """macOS and the BSDs have neither epoll nor `fdatasync`: every frame is recorded all the same."""
    target = tmp_path / "s.parquet"
    with server(send_and_close) as url:
        command = [sys.executable, "-c", WITHOUT_EPOLL, "capture", "--url", url, "-o", str(target)]
        finish(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))

    assert raws(target) == FRAMES


@pytest.mark.slow
def test_everything_sent_is_recorded(tmp_path: Path) -> None:
    """Up to the end that the server makes, in order, byte for byte; the password is in no file and no word."""
    asked: list[Request] = []

    def check(connection: ServerConnection, request: Request) -> Response | None:
        asked.append(request)
        return None if "Upgrade" in request.headers else connection.respond(HTTPStatus.NOT_FOUND, "{}")

    target = tmp_path / "s.parquet"
    with server(send_and_close, check) as url:
        words = finish(capture(url, target, "--user", "ari", "--app", "my app", ARIRECORD_PASSWORD="s3cret"))
    session = open_session(target)

    assert raws(target) == FRAMES
    assert "/ari/events?app=my%20app&subscribeAll=true" in [request.path for request in asked]
    assert {request.headers["Authorization"] for request in asked} == {"Basic YXJpOnMzY3JldA=="}
    assert [f.type for f in session.frames(kinds=["connection"])] == ["opened", "closed"]
    assert session.header.ended == "complete"
    assert b"s3cret" not in target.read_bytes()
    assert "s3cret" not in words + orjson.dumps(session.header.source).decode()
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(tmp_path: Path, number: signal.Signals) -> None:
    """Sealed, complete, exit code 0."""
    target = tmp_path / "s.parquet"
    with server(send_and_hold) as url:
        process = capture(url, target)
        wait_for(lambda: journal_size(target) > 2000)
        process.send_signal(number)
        finish(process)

    assert raws(target) == FRAMES[: len(raws(target))]
    assert open_session(target).header.ended == "complete"


def journal_size(target: Path) -> int:
    path = target.with_name(target.name + ".journal")
    return path.stat().st_size if path.exists() else 0


@pytest.mark.slow
def test_limits(tmp_path: Path) -> None:
    """So many events, or so long."""
    with server(send_and_hold) as url:
        finish(capture(url, tmp_path / "n.parquet", "--max-events", "17"))
        finish(capture(url, tmp_path / "t.parquet", "--duration", "3s"))

    assert raws(tmp_path / "n.parquet") == FRAMES[:17]
    assert raws(tmp_path / "t.parquet") == FRAMES


def test_a_lost_connection_is_exit_code_3(tmp_path: Path) -> None:
    """What came before is sealed, and the session says how it ended."""
    target = tmp_path / "s.parquet"
    with server(send_and_break) as url:
        words = finish(capture(url, target, "--no-reconnect"), code=3)
    found = raws(target)

    assert "lost" in words
    assert found == FRAMES[: len(found)]
    assert "lost" in open_session(target).header.ended


def test_an_existing_output_is_not_touched(tmp_path: Path) -> None:
    """Nobody is even called."""
    target = tmp_path / "s.parquet"
    target.write_text("precious")
    words = finish(capture("http://127.0.0.1:9/ari", target), code=1)

    assert "--force" in words
    assert target.read_text() == "precious"


def test_an_existing_journal_is_not_touched(tmp_path: Path) -> None:
    """What a recording left that was cut off: nobody is called, and the words say how to have it."""
    journal = tmp_path / "s.parquet.journal"
    journal.write_text("precious")
    words = finish(capture("http://127.0.0.1:9/ari", tmp_path / "s.parquet"), code=1)

    assert f"arirecord recover {journal}" in words
    assert journal.read_text() == "precious"


def test_nowhere_to_write() -> None:
    """A folder that takes no file, not even from root, is known only once there is a connection: one sentence."""
    with server(send_and_hold) as url:
        words = finish(capture(url, Path("/proc/s.parquet")), code=1)

    assert "/proc/s.parquet.journal" in words


def answer(status: int) -> Check:
    def check(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus(status), "<html>no</html>")

    return check


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses user 'ari': wrong name or password"),
        (403, "forbids user 'ari'"),
        (404, "the path usually is /ari"),
        (400, "refuses the application name 'arirecord'"),
        (503, "is not ready yet"),
        (200, "is not an ARI server: it answers HTTP 200"),
        (500, "is not an ARI server: it answers HTTP 500"),
    ],
)
def test_refusals(tmp_path: Path, status: int, words: str) -> None:
    """Each answer has its own sentence; exit code 1; no file is left."""
    with server(send_and_hold, answer(status)) as url:
        said = finish(capture(url, tmp_path / "s.parquet", "--user", "ari:wrong", "--no-reconnect"), code=1)

    assert words in said
    assert "wrong" not in said.replace("wrong name", "")
    assert not list(tmp_path.iterdir())


def test_nobody_listens(tmp_path: Path) -> None:
    """Connection refused."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        words = finish(capture(f"http://127.0.0.1:{unused.getsockname()[1]}/ari", tmp_path / "s.parquet"), code=1)

    assert "nothing listens at" in words


def test_something_else_listens(tmp_path: Path) -> None:
    """A server that talks first, and not HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk() -> None:
            for _ in range(2):  # REST, then the WebSocket
                connection, _ = listening.accept()
                connection.sendall(b"220 mail.example ESMTP\r\n")
                connection.recv(1000)
                connection.close()

        thread = threading.Thread(target=talk)
        thread.start()
        words = finish(capture(f"http://127.0.0.1:{listening.getsockname()[1]}/ari", tmp_path / "s.parquet"), code=1)
        thread.join()

    assert "not as an ARI server does" in words


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(8))
def test_killed_at_any_moment(tmp_path: Path, moment: int) -> None:
    """After kill -9 the journal holds what was sent, in order, without a hole, and `recover` makes it a session."""
    sent: list[str] = []

    async def send(connection: ServerConnection) -> None:
        for n in range(1_000_000):
            sent.append(f'{{"type":"Dial","dialstring":"{n}"}}')
            await connection.send(sent[-1])
            if n % 50 == 0:
                await asyncio.sleep(0.001)

    target = tmp_path / "s.parquet"
    with server(send) as url:
        process = capture(url, target)
        wait_for(lambda: journal_size(target) > 2000 * (moment + 1))
        process.kill()
        process.communicate()
    subprocess.run([*COMMAND, "recover", f"{target}.journal"], check=False, capture_output=True)
    found = raws(target)

    assert len(found) > 100
    assert found == sent[: len(found)]


@pytest.mark.parametrize(
    ("url", "user", "expected"),
    [
        ("http://pbx:8088/ari", None, ("ws://pbx:8088/ari", None, None)),
        ("https://pbx/ari/", "u", ("wss://pbx/ari", "u", None)),
        ("ws://pbx:1/asterisk/ari/events", "u:p:q", ("ws://pbx:1/asterisk/ari", "u", "p:q")),
        ("http://u%40x:p%2F@pbx/ari", None, ("ws://pbx/ari", "u@x", "p/")),
        ("http://[::1]:8088/ari", None, ("ws://[::1]:8088/ari", None, None)),
    ],
)
def test_addresses(url: str, user: str | None, expected: tuple[str, str | None, str | None]) -> None:
    """What people type, with credentials taken out of the URL."""
    address = Address.parse(url, user)

    assert (address.base, address.user, address.password) == expected


@pytest.mark.parametrize(
    "url", ["", "pbx", "ftp://pbx/ari", "http://", "http://pbx:port/ari", "http://pbx:99999/ari", "http://[::1/ari"]
)
def test_what_is_no_address(url: str) -> None:
    """Is said, with an example."""
    with pytest.raises(CaptureError, match="http://host:8088/ari"):
        Address.parse(url)
