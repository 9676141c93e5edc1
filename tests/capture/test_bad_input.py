"""Servers that misbehave: nothing that was received is lost, and it is said what was wrong."""

import re
import socket
import threading
import time
from base64 import b64encode
from hashlib import sha1
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.websockets import WebSocket

from arirecord.capture.recorder import Recorder
from arirecord.session.reader import open_session
from arirecord.session.rows import END_OF_RECORDING

from .ari import Ari, Script, running
from .test_capture import capture, finish, raws
from .test_reconnect import rows, sends
from .test_stream import GUID


def sends_bytes(*frames: bytes) -> Script:
    """Binary messages between two texts."""

    async def script(ari: Ari, socket: WebSocket) -> None:
        await socket.send_text('"before"')
        for frame in frames:
            await socket.send_bytes(frame)
        await socket.send_text('"after"')
        await socket.close(1000, END_OF_RECORDING)

    return script


@pytest.mark.slow
def test_binary_messages_are_kept(tmp_path: Path) -> None:
    """As rows of kind binary; one that is text is kept as the text it is."""
    target = tmp_path / "s.parquet"
    ari = Ari(sends_bytes(b"\xff\x00", b"text"))
    with running(ari):
        finish(capture(ari.url, target))
    session = open_session(target)

    assert [(f.kind, f.raw) for f in session.frames(kinds=["event", "binary"])] == [
        ("event", '"before"'),
        ("binary", "/wA="),
        ("event", "text"),
        ("event", '"after"'),
    ]
    assert "not text" in session.header.drift


@pytest.mark.slow
def test_frames_that_are_no_events(tmp_path: Path) -> None:
    """Invalid JSON, other JSON, nothing at all: recorded verbatim, counted as drift."""
    target = tmp_path / "s.parquet"
    frames = [
        "not JSON",
        "[1,2]",
        "",
        "null",
        '{"type":"Novel"}',
        '{"no":"type"}',
        "\u0000",
        '{"type":"Dial","dialstatus":5}',
    ]
    ari = Ari(sends(*frames))
    with running(ari):
        words = finish(capture(ari.url, target))

    assert raws(target) == frames
    assert "Differences from the ARI documentation: " in words
    assert open_session(target).header.drift_count >= len(frames)


@pytest.mark.slow
def test_an_oversized_frame_is_told(tmp_path: Path) -> None:
    """It ends the connection (close code 1009), which is a gap; what came before and after is there."""
    target = tmp_path / "s.parquet"
    ari = Ari(sends('"before"', "x" * (17 << 20)), sends('"after"'))
    with running(ari):
        words = finish(capture(ari.url, target), code=3)

    assert raws(target) == ['"before"', '"after"']
    assert "1009" in words
    assert [row["type"] for row in rows(target, "connection")].count("gap") == 1


def test_large_frames_are_nothing_special(tmp_path: Path) -> None:
    """A megabyte of one event."""
    target = tmp_path / "s.parquet"
    frames = [f'{{"type":"ChannelVarset","value":"{"é" * 500_000}"}}', '"small"']
    ari = Ari(sends(*frames))
    with running(ari):
        finish(capture(ari.url, target))

    assert raws(target) == frames


def test_a_server_that_dies_in_mid_frame(tmp_path: Path) -> None:
    """Whole frames before it are there; the half one is no frame, and the connection counts as lost."""
    target = tmp_path / "s.parquet"
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):  # REST, then the WebSocket
                connection, _ = listening.accept()
                request = connection.recv(65536)
                key = re.search(rb"(?i)sec-websocket-key: (\S+)", request)
                if key:
                    accept = b64encode(sha1(key[1] + GUID).digest())
                    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    frames = b"\x81\x07" + b'"whole"' + b"\x81\x7e\x01\x00" + b"half"
                    connection.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + frames)
                else:
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/ari"
        words = finish(capture(url, target, "--no-reconnect"), code=3)
        thread.join()

    assert raws(target) == ['"whole"']
    assert "lost" in words


class Redirecting(Ari):
    """An ARI that has moved."""

    def __init__(self, to: str) -> None:
        super().__init__(sends())
        self.to = to

    async def rest(self, request: Request) -> Response:
        return RedirectResponse(self.to)

    async def events(self, socket: WebSocket) -> None:
        await socket.send_denial_response(RedirectResponse(f"{self.to}/events?{socket.url.query}"))


@pytest.mark.slow
def test_a_redirect_does_not_carry_the_password_away(tmp_path: Path) -> None:
    """To another place nobody is sent with a password; the sentence says where it wanted to go."""
    elsewhere = Ari(sends('"elsewhere"'))
    with running(elsewhere):
        moved = Redirecting(elsewhere.url)
        with running(moved):
            words = finish(capture(moved.url, tmp_path / "s.parquet", "--user", "u:p", "--no-reconnect"), code=1)

    assert "HTTP 307" in words
    assert elsewhere.connections == 0


@pytest.mark.parametrize("jump_ns", [86_400 * 10**9, -86_400 * 10**9])
def test_a_clock_that_jumps_a_day(tmp_path: Path, jump_ns: int) -> None:
    """`received_at` follows the clock; order and spacing, which replay uses, do not."""
    wall = iter([10**18, 10**18, 10**18 + 1000, 10**18 + jump_ns, 10**18 + jump_ns + 1000])
    recorder = Recorder(tmp_path / "s.parquet", {}, clocks=(lambda: next(wall), time.monotonic_ns))
    for n in range(3):
        recorder.frame(b'"%d"' % n)
    recorder.close()
    recorder.seal()
    session = open_session(tmp_path / "s.parquet")
    frames = list(session.frames())

    assert [frame.raw for frame in frames] == ['"0"', '"1"', '"2"']
    assert [frame.elapsed_ns for frame in frames] == sorted(frame.elapsed_ns for frame in frames)
    assert frames[-1].elapsed_ns < 60 * 10**9
    moments = session.events().select("received_at").collect()["received_at"].to_list()
    assert abs((moments[-1] - moments[0]).total_seconds()) > 80_000
