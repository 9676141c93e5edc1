"""The tap: an application notices nothing, and all that goes through is recorded."""

import asyncio
import socket
import struct
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from .tap_world import FRAMES, HANDSHAKE, PASSWORD, USER, ask, dial, everything, raws, rows, world


def reset(connection: ClientConnection) -> None:
    """Break off, as a process does that is killed with unread data."""
    found = connection.transport.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


def without_date(answer: bytes) -> list[bytes]:
    return [line for line in answer.split(b"\r\n") if not line.lower().startswith(b"date:")]


async def test_frames_pass_and_are_kept_byte_for_byte(tmp_path: Path) -> None:
    """Text and binary, empty, large, fragmented; both ways; without compression though both sides would."""
    target = tmp_path / "s.parquet"
    binary = bytes(range(256)) * 1000
    async with world(target) as here, dial(here, more="&subscribeAll=true", compression="deflate") as app:
        asterisk = await here.asterisk.peers.get()
        for frame in FRAMES:
            await asterisk.send(frame)
        await asterisk.send(binary)
        for frame in FRAMES:
            assert await app.recv() == frame
        assert await app.recv() == binary
        await app.send(["fragments ", "of ", "text"])
        await app.send(binary)
        assert await asterisk.said.get() == "fragments of text"
        assert await asterisk.said.get() == binary
        assert asterisk.query == {"app": ["app"], "subscribeAll": ["true"]}
        assert not app.protocol.extensions

    assert raws(target) == FRAMES
    assert rows(target, "connection")[0] == {
        "type": "opened",
        "application": "app",
        "status": 101,
        "url": rows(target, "connection")[0]["url"],
        "reason": rows(target, "connection")[0]["reason"],
    }


async def test_fragments_from_asterisk_are_one_frame(tmp_path: Path) -> None:
    """With a ping in their midst, in segments of one byte; ping and pong pass end to end."""
    target = tmp_path / "s.parquet"
    stream = b"\x01\x02ab" + b"\x89\x02hi" + b"\x00\x01c" + b"\x80\x01d" + b"\x81\x01e" + b"\x88\x02\x03\xe8"

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Here you are\r\nUpgrade: websocket\r\n\r\n")
        for byte in stream:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
    async with world(target, upstream=upstream) as here:
        assert stream in await ask(here.tap.port, HANDSHAKE % b"/ari/events?app=app")
    server.close()

    assert raws(target) == ["abcd", "e"]
    assert rows(target, "connection")[-1]["status"] == 1000


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/ari/events?app=a&api_key=ari:wrong", 401),
        (b"/ari/events?app=a", 401),
        (b"/ari/events?api_key=" + f"{USER}:{PASSWORD}".encode().replace("ä".encode(), b"%C3%A4"), 400),
        (b"/ari/events/?app=a&api_key=" + f"{USER}:{PASSWORD}".encode().replace("ä".encode(), b"%C3%A4"), 404),
        (b"/ari/events?app=a", 503),
    ],
)
async def test_refusals_are_those_of_asterisk(tmp_path: Path, target: bytes, status: int) -> None:
    """Byte for byte, and recorded as an exchange."""
    session = tmp_path / "s.parquet"
    async with world(session) as here:
        here.asterisk.is_booting = status == 503
        direct = await ask(here.asterisk.port, HANDSHAKE % target)
        tapped = await ask(here.tap.port, HANDSHAKE % target)
        assert direct.startswith(b"HTTP/1.1 %d " % status)
        assert without_date(tapped) == without_date(direct)

    (row,) = rows(session, "rest")
    assert (row["method"], row["status"], row["by"], row["transport"]) == ("GET", status, "app", "http")
    assert row["answer_body"]
    assert "api_key" not in everything(session)


async def test_a_real_client_sees_the_refusal(tmp_path: Path) -> None:
    """As it would without the tap."""
    async with world(tmp_path / "s.parquet") as here:
        with pytest.raises(InvalidStatus) as refused:
            await connect(here.events(), proxy=None)
        answer = refused.value.response
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Asterisk REST Interface"'
        assert answer.body == b'{"message":"Authentication required"}'


@pytest.mark.parametrize("offered", [[], ["ari"], ["other", "ari"]])
async def test_sub_protocols_pass(tmp_path: Path, offered: list[str]) -> None:
    """Asterisk echoes `ari` only where it was offered."""
    protocols = [Subprotocol(name) for name in offered]
    async with world(tmp_path / "s.parquet") as here, dial(here, subprotocols=protocols or None) as app:
        assert app.subprotocol == ("ari" if offered else None)


async def test_close_codes_pass_both_ways(tmp_path: Path) -> None:
    """With their reasons, and are recorded."""
    target = tmp_path / "s.parquet"
    async with world(target) as here:
        async with dial(here) as app:
            asterisk = await here.asterisk.peers.get()
            await app.close(4001, "häd enough")
            assert await asterisk.said.get() == (4001, "häd enough")
        async with dial(here) as app:
            asterisk = await here.asterisk.peers.get()
            await asterisk.close(1012, "restart")
            with pytest.raises(ConnectionClosed):
                await app.recv()
            assert (app.close_code, app.close_reason) == (1012, "restart")

    closed = [row for row in rows(target, "connection") if row["type"] == "closed"]
    assert [row["status"] for row in closed] == [4001, 1012]
    assert closed[0]["reason"] == "the application closed it: häd enough"
    assert closed[1]["reason"] == "Asterisk closed it: restart"


async def test_an_abrupt_end_passes_both_ways(tmp_path: Path) -> None:
    """What came before is delivered and kept; then the connection is lost without a Close frame."""
    target = tmp_path / "s.parquet"
    async with world(target) as here:
        async with dial(here) as app:
            asterisk = await here.asterisk.peers.get()
            await asterisk.send("last words")
            assert await app.recv() == "last words"
            asterisk.abort()
            with pytest.raises(ConnectionClosed) as closed:
                await app.recv()
            assert closed.value.rcvd is None
        async with dial(here) as app:
            asterisk = await here.asterisk.peers.get()
            reset(app)
            assert (await asterisk.said.get())[0] in (1005, 1006)
        await here.told("the application was lost")

    assert raws(target) == ["last words"]
    ends = [(row["status"], row["reason"]) for row in rows(target, "connection") if row["type"] == "closed"]
    assert ends == [(1006, "Asterisk was lost"), (1006, "the application was lost")]


async def test_time_away_is_a_gap(tmp_path: Path) -> None:
    """Of the application that was away, and of no other."""
    target = tmp_path / "s.parquet"
    async with world(target) as here, dial(here, "stays"):
        async with dial(here, "leaves"):
            pass
        await here.told("'leaves' from")
        async with dial(here, "leaves"):
            pass

    (gap,) = [row for row in rows(target, "connection") if row["type"] == "gap"]
    assert gap["application"] == "leaves"
    assert gap["lost_since"]


async def test_compressed_frames_are_passed_on(tmp_path: Path) -> None:
    """They can't be heard, which is said."""

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching\r\n\r\n\xc1\x02ab\xc1\x02ab")
        writer.close()

    server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
    async with world(tmp_path / "s.parquet", upstream=upstream) as here:
        assert (await ask(here.tap.port, HANDSHAKE % b"/ari/events?app=a")).endswith(b"\xc1\x02ab\xc1\x02ab")
        assert here.tap.status.lost_count == 1
        assert "it is compressed" in "".join(here.said)
    server.close()


async def test_another_websocket_is_passed_on(tmp_path: Path) -> None:
    """It is none of ARI's events; the handshake is noted."""
    target = tmp_path / "s.parquet"

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching\r\n\r\n\x81\x02ab")
        writer.close()

    server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
    async with world(target, upstream=upstream) as here:
        assert (await ask(here.tap.port, HANDSHAKE % b"/media/x")).endswith(b"\x81\x02ab")
    server.close()

    assert raws(target) == []
    assert [(row["uri"], row["status"]) for row in rows(target, "rest")] == [("/media/x", 101)]
