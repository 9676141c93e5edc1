"""A connection may stay open and deliver nothing, and a switch may answer without end."""

import asyncio
import signal
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.websockets import WebSocket

from arirecord.session.reader import open_session
from arirecord.session.rows import END_OF_RECORDING
from tests.waiting import wait_for

from .ari import Ari, running
from .test_capture import capture, finish, raws
from .test_reconnect import hold, rows, sends

pytestmark = pytest.mark.slow

OFTEN = ["--keepalive", "200ms"]


def changing() -> Response:
    """Another channel at each request."""
    return JSONResponse([{"id": str(next(_NUMBERS)), "state": "Up"}])


_NUMBERS = count()


def asked_for_channels(ari: Ari) -> int:
    return ari.asked.count(("GET", "/channels", b""))


def test_an_open_connection_without_events_is_noticed(tmp_path: Path) -> None:
    """Channels come and go at the switch, and nothing arrives: the recorder reconnects, and the gap is recorded."""
    target = tmp_path / "s.parquet"
    ari = Ari(hold, sends('"again"'))
    ari.channels = changing
    with running(ari):
        words = finish(capture(ari.url, target, *OFTEN), code=3)
    told = rows(target, "connection")

    assert raws(target) == ['{"type":"Dial","dialstring":"held"}', '"again"']
    assert [row["type"] for row in told] == ["opened", "closed", "gap", "opened", "closed"]
    assert told[1]["connection_reason"] == "no event came although channels changed at the switch"
    assert "No event came although channels changed" in words
    assert "Connected again" in words


def test_an_application_that_is_gone_is_noticed(tmp_path: Path) -> None:
    """Asterisk does not know it any more; the socket is open."""

    async def forgotten(ari: Ari, socket: WebSocket) -> None:
        while asked_for_channels(ari) < 3:  # twice for the recorder, once for the snapshot
            ari.news.clear()
            await ari.news.wait()
        ari.applications.clear()
        await socket.receive()

    target = tmp_path / "s.parquet"
    ari = Ari(forgotten, sends('"again"'))
    ari.channels = lambda: JSONResponse([])
    with running(ari):
        words = finish(capture(ari.url, target, *OFTEN), code=3)

    assert raws(target) == ['"again"']
    assert "No event came although the application was gone" in words


def test_an_application_that_is_not_there_from_the_start_is_noticed(tmp_path: Path) -> None:
    """The end of an earlier connection took it away: the recorder is back without waiting for the keepalive."""

    async def taken(ari: Ari, socket: WebSocket) -> None:
        ari.applications.clear()
        await socket.receive()

    target = tmp_path / "s.parquet"
    ari = Ari(taken, sends('"again"'))
    ari.channels = lambda: JSONResponse([])
    with running(ari):
        words = finish(capture(ari.url, target, "--keepalive", "1h"), code=3)
    told = rows(target, "connection")

    assert raws(target) == ['"again"']
    assert [row["type"] for row in told] == ["opened", "closed", "gap", "opened", "closed"]
    assert "No event came although the application was gone" in words


def test_a_server_that_lists_no_applications(tmp_path: Path) -> None:
    """Each of three connections is given up; the fourth one stays."""

    async def unlisted(ari: Ari, socket: WebSocket) -> None:
        ari.applications.clear()
        await socket.send_text(f'{{"n":{ari.connections}}}')
        looks = ari.asked.count(("GET", "/applications/arirecord", b""))
        while ari.connections == 4 and ari.asked.count(("GET", "/applications/arirecord", b"")) < looks + 5:
            ari.news.clear()
            await ari.news.wait()
        if ari.connections == 4:
            await socket.close(1000, END_OF_RECORDING)
        await socket.receive()

    target = tmp_path / "s.parquet"
    ari = Ari(*[unlisted] * 5)
    ari.channels = lambda: JSONResponse([])
    with running(ari):
        finish(capture(ari.url, target, *OFTEN), code=3)

    assert raws(target) == [f'{{"n":{number}}}' for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("options", [[], ["--no-subscribe-all"], ["--filter", "Dial"]], ids=["same", "own", "filtered"])
def test_silence_is_no_fault(tmp_path: Path, options: list[str]) -> None:
    """Where nothing changed, or where changes of channels are not reported to this application, it goes on."""
    target = tmp_path / "s.parquet"
    ari = Ari(hold)
    ari.channels = changing if options else lambda: JSONResponse([{"id": "1", "state": "Up"}])
    looks = [0]

    async def look(ari: Ari, socket: WebSocket) -> None:
        await socket.send_text("{}")
        while sum(path == "/applications/arirecord" for _, path, _ in ari.asked) < 8:
            ari.news.clear()
            await ari.news.wait()
        looks[0] += 1
        await socket.receive()

    ari.scripts = (look,)
    with running(ari):
        process = capture(ari.url, target, *OFTEN, *options)
        wait_for(lambda: looks == [1])
        process.send_signal(signal.SIGTERM)
        finish(process)
        assert ari.connections == 1

    uris = [row["rest_uri"] for row in rows(target, "rest")]
    assert uris.count("/channels") == 1
    assert open_session(target).header.gap_count == 0


def test_an_answer_without_end(tmp_path: Path) -> None:
    """Is not read to its end, and the exchange says so; the other answers are recorded."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    target = tmp_path / "s.parquet"
    ari = Ari(hold)
    ari.channels = lambda: StreamingResponse(endless())
    with running(ari):
        process = capture(ari.url, target)
        wait_for(lambda: ("GET", "/api-docs/last.json", b"") in ari.asked)
        process.send_signal(signal.SIGTERM)
        finish(process)
    exchanges = {row["rest_uri"]: row for row in rows(target, "rest")}

    assert exchanges["/channels"]["rest_reason"] == "no answer: the body has more than 16,777,216 bytes"
    assert "rest_answer_body" not in exchanges["/channels"]
    assert exchanges["/sounds"]["rest_status"] == 200
