"""The tap: an application notices nothing, and all that goes through is recorded."""

import asyncio
import base64
import random
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from .tap_world import (
    AUTHORIZATION,
    PASSWORD,
    TOKEN,
    USER,
    Asterisk,
    World,
    everything,
    raws,
    rows,
    run,
    serving,
    world,
)

LOGIN = {"Authorization": AUTHORIZATION}
FRAMES = [
    '{"type":"StasisStart","application":"app","args":[],"channel":{"id":"1"}}',
    '{"type":"Dial","dialstring":"ümlaut ☎ \\u0000"}',
    '{\n  "type" : "ChannelVarset"\n}',
    "",
    "no JSON at all",
    '{"type":"Dial","dialstring":"' + "x" * 300_000 + '"}',
]


def dial(where: World, application: str = "app", more: str = "", **options: Any) -> connect:
    """A WebSocket of an application, as most write it."""
    return connect(where.events(application, more), additional_headers=LOGIN, proxy=None, **options)


def client(**options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, headers=LOGIN, **options)


def reset(connection: ClientConnection) -> None:
    """Break off, as a process does that is killed with unread data."""
    found = connection.transport.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


def test_frames_pass_and_are_kept_byte_for_byte(tmp_path: Path) -> None:
    """Text and binary, empty, large, fragmented; both ways; without compression though both sides would."""
    target = tmp_path / "s.parquet"
    binary = bytes(range(256)) * 1000

    async def test() -> None:
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

    run(test())

    assert raws(target) == FRAMES
    assert rows(target, "connection")[0] == {
        "type": "opened",
        "application": "app",
        "status": 101,
        "url": rows(target, "connection")[0]["url"],
        "reason": rows(target, "connection")[0]["reason"],
    }


def test_fragments_from_asterisk_are_one_frame(tmp_path: Path) -> None:
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

    async def test() -> None:
        server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        async with world(target, upstream=upstream) as here:
            assert stream in await ask(here.tap.port, HANDSHAKE % b"/ari/events?app=app")
        server.close()

    run(test())

    assert raws(target) == ["abcd", "e"]
    assert rows(target, "connection")[-1]["status"] == 1000


HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: pbx.example:8088\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
)


async def ask(port: int, request: bytes) -> bytes:
    """All that a server sends to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return answer


def without_date(answer: bytes) -> list[bytes]:
    return [line for line in answer.split(b"\r\n") if not line.lower().startswith(b"date:")]


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
def test_refusals_are_those_of_asterisk(tmp_path: Path, target: bytes, status: int) -> None:
    """Byte for byte, and recorded as an exchange."""
    session = tmp_path / "s.parquet"

    async def test() -> None:
        async with world(session) as here:
            here.asterisk.is_booting = status == 503
            direct = await ask(here.asterisk.port, HANDSHAKE % target)
            tapped = await ask(here.tap.port, HANDSHAKE % target)
            assert direct.startswith(b"HTTP/1.1 %d " % status)
            assert without_date(tapped) == without_date(direct)

    run(test())

    (row,) = rows(session, "rest")
    assert (row["method"], row["status"], row["by"], row["transport"]) == ("GET", status, "app", "http")
    assert row["answer_body"]
    assert "api_key" not in everything(session)


def test_a_real_client_sees_the_refusal(tmp_path: Path) -> None:
    """As it would without the tap."""

    async def test() -> None:
        async with world(tmp_path / "s.parquet") as here:
            with pytest.raises(InvalidStatus) as refused:
                await connect(here.events(), proxy=None)
            answer = refused.value.response
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == 'Basic realm="Asterisk REST Interface"'
            assert answer.body == b'{"message":"Authentication required"}'

    run(test())


@pytest.mark.parametrize("offered", [[], ["ari"], ["other", "ari"]])
def test_sub_protocols_pass(tmp_path: Path, offered: list[str]) -> None:
    """Asterisk echoes `ari` only where it was offered."""

    async def test() -> None:
        protocols = [Subprotocol(name) for name in offered]
        async with world(tmp_path / "s.parquet") as here, dial(here, subprotocols=protocols or None) as app:
            assert app.subprotocol == ("ari" if offered else None)

    run(test())


def test_close_codes_pass_both_ways(tmp_path: Path) -> None:
    """With their reasons, and are recorded."""
    target = tmp_path / "s.parquet"

    async def test() -> None:
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

    run(test())

    closed = [row for row in rows(target, "connection") if row["type"] == "closed"]
    assert [row["status"] for row in closed] == [4001, 1012]
    assert closed[0]["reason"] == "the application closed it: häd enough"
    assert closed[1]["reason"] == "Asterisk closed it: restart"


def test_an_abrupt_end_passes_both_ways(tmp_path: Path) -> None:
    """What came before is delivered and kept; then the connection is lost without a Close frame."""
    target = tmp_path / "s.parquet"

    async def test() -> None:
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

    run(test())

    assert raws(target) == ["last words"]
    closed = [row for row in rows(target, "connection") if row["type"] == "closed"]
    assert [(row["status"], row["reason"]) for row in closed] == [
        (1006, "Asterisk was lost"),
        (1006, "the application was lost"),
    ]


def test_time_away_is_a_gap(tmp_path: Path) -> None:
    """Of the application that was away, and of no other."""
    target = tmp_path / "s.parquet"

    async def test() -> None:
        async with world(target) as here, dial(here, "stays"):
            async with dial(here, "leaves"):
                pass
            await here.told("'leaves' from")
            async with dial(here, "leaves"):
                pass

    run(test())

    (gap,) = [row for row in rows(target, "connection") if row["type"] == "gap"]
    assert gap["application"] == "leaves"
    assert gap["lost_since"]


def test_rest_passes_and_is_kept(tmp_path: Path) -> None:
    """Any method; headers both ways; Host as the application wrote it."""
    target = tmp_path / "s.parquet"

    async def test() -> None:
        async with world(target) as here, client() as http:
            here.asterisk.answer = (200, {"Content-Type": "application/json", "X-Odd": "yes"}, [b'{"id":', b'"1"}'])
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
                answer = await http.request(
                    method, f"{here.http}/channels/a%2Fb%20c;1?endpoint=PJSIP%2F100&x=%C3%A4", json={"n": 1}
                )
                assert (answer.status_code, answer.json(), answer.headers["X-Odd"]) == (200, {"id": "1"}, "yes")
            asked = here.asterisk.asked
            assert [request.method for request in asked] == ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]
            assert {request.target for request in asked} == {"/ari/channels/a%2Fb%20c;1?endpoint=PJSIP%2F100&x=%C3%A4"}
            assert {request.body for request in asked} == {b'{"n":1}'}
            assert asked[0].headers["host"] == f"127.0.0.1:{here.tap.port}"

    run(test())

    found = rows(target, "rest")
    assert [row["method"] for row in found] == ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]
    duration_ns, who = found[1].pop("duration_ns"), found[1].pop("client")
    assert 0 < duration_ns < 10**10
    assert who.startswith("127.0.0.1:")
    assert found[1] == {
        "type": "POST",
        "method": "POST",
        "by": "app",
        "transport": "http",
        "uri": "/ari/channels/a%2Fb%20c;1?endpoint=PJSIP%2F100&x=%C3%A4",
        "request_type": "application/json",
        "request_body": '{"n":1}',
        "status": 200,
        "reason": "OK",
        "answer_type": "application/json",
        "answer_body": '{"id":"1"}',
    }


def test_bodies_of_all_kinds(tmp_path: Path) -> None:
    """Chunked, binary, large, none. A large one passes whole and is recorded by its size."""
    target = tmp_path / "s.parquet"
    binary = random.Random(1).randbytes(200_000)
    large = binary * 20

    async def pieces() -> Any:
        for start in range(0, len(binary), 1000):
            yield binary[start : start + 1000]

    async def test() -> None:
        async with world(target) as here, client() as http:
            here.asterisk.answer = (200, {"Content-Type": "audio/wav"}, [binary[:7], binary[7:]])
            answer = await http.post(f"{here.http}/chunked", content=pieces())
            assert answer.content == binary
            here.asterisk.answer = (200, {"Content-Length": str(len(large))}, [large])
            answer = await http.put(f"{here.http}/large", content=large)
            assert answer.content == large
            here.asterisk.answer = (200, {"Content-Length": "5"}, [b"12345"])
            assert (await http.head(f"{here.http}/head")).headers["Content-Length"] == "5"
            here.asterisk.answer = (204, {}, [])
            assert (await http.delete(f"{here.http}/none")).status_code == 204
            here.asterisk.answer = (302, {"Location": "/elsewhere"}, [])
            assert (await http.get(f"{here.http}/moved")).headers["Location"] == "/elsewhere"
            assert [len(request.body) for request in here.asterisk.asked] == [len(binary), len(large), 0, 0, 0]
            assert here.asterisk.asked[0].body == binary
            assert here.asterisk.asked[1].body == large

    run(test())

    chunked, big, head, none, moved = rows(target, "rest")
    assert base64.b64decode(chunked["request_base64"]) == binary
    assert base64.b64decode(chunked["answer_base64"]) == binary
    assert big["request_body"] == big["answer_body"] == f"[{len(large)} bytes, not kept]"
    assert [row["status"] for row in (head, none, moved)] == [200, 204, 302]
    assert "answer_body" not in head


def test_odd_servers_and_clients(tmp_path: Path) -> None:
    """HTTP/1.0, an interim answer, an own reason, a body until the end, requests in one packet, an answer cut off."""
    target = tmp_path / "s.parquet"
    answers = [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 My Own Reason\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    ]

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" if b"cut" in request else b"".join(answers))
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        async with world(target, upstream=upstream) as here:
            requests = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\n\r\n\r\nGET /3 HTTP/1.0\r\n\r\n"
            assert await ask(here.tap.port, requests) == b"".join(answers)
            assert (await ask(here.tap.port, b"GET /cut HTTP/1.1\r\n\r\n")).endswith(b"half")
        server.close()

    run(test())

    found = {row["uri"]: row for row in rows(target, "rest")}
    assert (found["/1"]["status"], found["/1"]["reason"], found["/1"]["answer_body"]) == (299, "My Own Reason", "ok")
    assert found["/2"]["answer_body"] == "abc"
    assert found["/3"]["answer_body"] == "until the end"
    assert found["/cut"]["reason"] == "no whole answer: the connection ended"
    assert found["/cut"]["answer_body"] == "half"


def test_what_is_no_http_is_passed_on(tmp_path: Path) -> None:
    """And said; it is no loss."""

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.read(100))
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        async with world(tmp_path / "s.parquet", upstream=upstream) as here:
            assert await ask(here.tap.port, b"\x16\x03\x01") == b"you said \x16\x03\x01"
            assert "passed on, not recorded" in here.said[0]
            assert here.tap.status.lost_count == 0
        server.close()

    run(test())


def test_rest_over_the_websocket(tmp_path: Path) -> None:
    """Each answer finds its request; the answers are events as well, the requests are not."""
    target = tmp_path / "s.parquet"
    asked = [
        {"type": "RESTRequest", "request_id": "1", "method": "GET", "uri": "channels?a=b"},
        {
            "type": "RESTRequest",
            "request_id": "2",
            "method": "POST",
            "uri": "channels",
            "query_strings": [{"name": "endpoint", "value": "PJSIP/1"}, {"name": "api_key", "value": "hush-hush"}],
            "content_type": "application/json",
            "message_body": '{"variables":{"a":"ü"}}',
        },
        {"type": "RESTRequest", "method": "DELETE", "uri": "channels/never"},
    ]
    answered = [
        {"type": "RESTResponse", "request_id": "2", "status_code": 200, "reason_phrase": "OK", "message_body": "{}"},
        {"type": "RESTResponse", "request_id": "1", "status_code": 404, "reason_phrase": "Not Found"},
        {"type": "RESTResponse", "request_id": "nobody's", "status_code": 500},
    ]

    async def test() -> None:
        async with world(target) as here, dial(here) as app:
            asterisk = await here.asterisk.peers.get()
            for request in asked:
                await app.send(orjson.dumps(request).decode())
                assert orjson.loads(await asterisk.said.get()) == request
            for answer in answered:
                await asterisk.send(orjson.dumps(answer).decode())
                assert orjson.loads(await app.recv()) == answer

    run(test())

    post, get, delete = rows(target, "rest")
    assert [orjson.loads(raw) for raw in raws(target)] == answered
    assert {row["transport"] for row in (post, get, delete)} == {"websocket"}
    assert (post["method"], post["uri"], post["status"]) == ("POST", "channels?endpoint=PJSIP/1", 200)
    assert (post["request_body"], post["answer_body"]) == ('{"variables":{"a":"ü"}}', "{}")
    assert (get["uri"], get["status"], get["reason"]) == ("channels?a=b", 404, "Not Found")
    assert get["client"].endswith("(app)")
    assert delete["reason"] == "no answer: the connection ended"


def test_two_applications_at_once(tmp_path: Path) -> None:
    """Each gets its own, both are in one recording; whose a REST request is, is said where it can be one's only."""
    target = tmp_path / "s.parquet"

    async def test() -> None:
        async with world(target) as here, client() as http, dial(here, "one") as one:
            first = await here.asterisk.peers.get()
            await http.get(f"{here.http}/ones")
            two = await dial(here, "two")
            second = await here.asterisk.peers.get()
            await second.send("for two")
            await first.send("for one")
            assert await one.recv() == "for one"
            assert await two.recv() == "for two"
            assert here.tap.status.applications == 2
            await http.get(f"{here.http}/whose")
            await two.close()

    run(test())

    opened = [row["application"] for row in rows(target, "connection") if row["type"] == "opened"]
    ones, whose = rows(target, "rest")
    assert opened == ["one", "two"]
    assert sorted(raws(target)) == ["for one", "for two"]
    assert "(" not in whose["client"]
    assert ones["client"].endswith(" (one)")


def test_fan_out(tmp_path: Path) -> None:
    """A second client of an application reads a copy, can't say anything, and survives the application's absence."""
    target = tmp_path / "s.parquet"

    async def test() -> None:
        async with world(target, fan_out=True) as here:
            app = await dial(here, subprotocols=[Subprotocol("ari")])
            asterisk = await here.asterisk.peers.get()
            async with dial(here, subprotocols=[Subprotocol("ari")]) as copy, dial(here, "other"):
                assert copy.subprotocol == "ari"
                await copy.send('{"type":"RESTRequest","method":"DELETE","uri":"channels/1"}')
                await (await copy.ping())
                await asterisk.send("for both")
                assert await copy.recv() == await app.recv() == "for both"
                assert here.tap.status.copies == 1
                await app.close()
                await here.told("'app' from")
                app = await dial(here)
                await here.asterisk.peers.get()  # the other application
                asterisk = await here.asterisk.peers.get()
                await asterisk.send("again")
                assert await copy.recv() == await app.recv() == "again"
                await app.send("only this")
                assert await asterisk.said.get() == "only this"
            assert here.asterisk.peer_count == 3
            await app.close()

    run(test())

    assert raws(target) == ["for both", "again"]


def test_a_copy_needs_credentials(tmp_path: Path) -> None:
    """Asterisk is asked, and its refusal passed on."""

    async def test() -> None:
        async with world(tmp_path / "s.parquet", fan_out=True) as here, dial(here):
            with pytest.raises(InvalidStatus) as refused:
                await connect(here.events(), proxy=None)
            assert refused.value.response.status_code == 401
            assert "WWW-Authenticate" in refused.value.response.headers
            assert here.asterisk.peer_count == 1
            assert here.asterisk.asked[0].target == "/ari/asterisk/ping"

    run(test())


def test_a_copy_of_one_of_two(tmp_path: Path) -> None:
    """Of a connection for several applications, a copy gets what it asked for."""

    async def test() -> None:
        async with world(tmp_path / "s.parquet", fan_out=True) as here, dial(here, "a,b") as app:
            asterisk = await here.asterisk.peers.get()
            async with dial(here, "b") as copy:
                for name in "aba":
                    await asterisk.send(f'{{"application":"{name}"}}')
                    await app.recv()
                await asterisk.send('{"application":"b","last":1}')
                assert await copy.recv() == '{"application":"b"}'
                assert await copy.recv() == '{"application":"b","last":1}'

    run(test())


def stuck(port: int, target: bytes) -> socket.socket:
    """A client that asks and never reads."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.connect(("127.0.0.1", port))
    request = HANDSHAKE % target
    found.sendall(request[:-2] + f"Authorization: {AUTHORIZATION}\r\n\r\n".encode())
    return found


def test_a_slow_application_is_cut_and_the_recording_goes_on(tmp_path: Path) -> None:
    """Asterisk is read all the time; once another client has the application, its old connection ends."""
    target = tmp_path / "s.parquet"
    frames = [f'{{"n":{n},"x":"{"x" * 10_000}"}}' for n in range(2000)]
    replaced = '{"type":"ApplicationReplaced","application":"app"}'

    async def test() -> None:
        async with world(target, max_behind_bytes=1 << 20) as here:
            slow = await asyncio.to_thread(stuck, here.tap.port, b"/ari/events?app=app")
            asterisk = await here.asterisk.peers.get()
            for frame in frames:
                await asterisk.send(frame)
            await here.told("CUT")
            async with dial(here) as app:
                successor = await here.asterisk.peers.get()
                await asterisk.send(replaced)
                await asterisk.gone.wait()
                await successor.send("goes on")
                assert await app.recv() == "goes on"
            slow.close()

    run(test())

    assert raws(target) == [*frames, replaced, "goes on"]
    closed = [row["reason"] for row in rows(target, "connection") if row["type"] == "closed"]
    assert closed[0] == "the application did not read and was cut"


def test_a_slow_copy_is_cut_and_nobody_else(tmp_path: Path) -> None:
    """The application gets everything."""
    frames = [f'{{"n":{n},"x":"{"x" * 10_000}"}}' for n in range(2000)]

    async def test() -> None:
        async with world(tmp_path / "s.parquet", max_behind_bytes=1 << 20, fan_out=True) as here, dial(here) as app:
            asterisk = await here.asterisk.peers.get()
            slow = await asyncio.to_thread(stuck, here.tap.port, b"/ari/events?app=app")
            await here.told("reads a copy")
            for frame in frames:
                await asterisk.send(frame)
                assert await app.recv() == frame
            await here.told("CUT")
            slow.close()

    run(test())


def test_asterisk_is_down(tmp_path: Path) -> None:
    """502 with a sentence, for both kinds of requests; it is said, and recorded; later it works."""
    target = tmp_path / "s.parquet"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        upstream = f"http://127.0.0.1:{unused.getsockname()[1]}/ari"

        async def test() -> None:
            async with world(target, upstream=upstream) as here, client() as http:
                answer = await http.post(f"{here.http}/channels", content=b"x" * 300_000)
                assert answer.status_code == 502
                assert "nothing listens at" in answer.text
                assert (await http.head(f"{here.http}/channels")).status_code == 502
                with pytest.raises(InvalidStatus) as refused:
                    await connect(here.events(), proxy=None)
                assert refused.value.response.status_code == 502
                assert sum("502" in sentence for sentence in here.said) == 3

        run(test())

    assert [row["status"] for row in rows(target, "rest")] == [502, 502, 502]


def test_credentials_are_nowhere(tmp_path: Path) -> None:
    """Not in the session, not in what is said: password, token, SIP passwords that ARI sets."""
    target = tmp_path / "s.parquet"
    key = "&api_key=ari%3As3cret-p%C3%A4ssword"
    fields = {"fields": [{"attribute": "username", "value": "100"}, {"attribute": "password", "value": "sip-secret"}]}

    async def test() -> None:
        async with world(target) as here, client() as http:
            async with connect(here.events("app", key), proxy=None) as app:
                await app.send('{"type":"RESTRequest","uri":"x?password=sip-secret","method":"GET"}')
                await (await here.asterisk.peers.get()).send('{"type":"RESTResponse","status_code":200}')
                await app.recv()
            await http.get(f"{here.http}/channels?x=1{key}&y=2")
            await http.put(f"{here.http}/asterisk/config/dynamic/res_pjsip/auth/1?z=1", json=fields)
            await http.post(f"{here.http}/form", data={"a": "b", "api_key": "form-secret"})
            assert orjson.loads(here.asterisk.asked[1].body) == fields
            assert b"form-secret" in here.asterisk.asked[2].body
            assert not [s for s in here.said if "s3cret" in s or TOKEN in s]

    run(test())

    text = everything(target)
    for secret in ("s3cret", TOKEN, "sip-secret", "form-secret", "api_key"):
        assert secret not in text
        assert secret.encode() not in target.read_bytes()
    assert [row["uri"] for row in rows(target, "rest")][1] == "/ari/channels?x=1&y=2"
    assert "username" in text


class BrokenRecorder:
    """Takes nothing."""

    def __init__(self, recorder: Any) -> None:
        self.stats = recorder.stats

    def frame(self, data: bytes) -> None:
        raise RuntimeError("no more")

    def connection(self, what: str, **fields: Any) -> None:
        raise RuntimeError("no more")

    rest = connection


def test_a_broken_recorder_does_not_break_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, and counted."""

    async def test() -> None:
        async with world(tmp_path / "s.parquet") as here:
            for name in ("frame", "connection", "rest"):
                monkeypatch.setattr(here.recorder, name, getattr(BrokenRecorder(here.recorder), name))
            async with dial(here) as app, client() as http:
                asterisk = await here.asterisk.peers.get()
                for frame in FRAMES:
                    await asterisk.send(frame)
                    assert await app.recv() == frame
                assert (await http.get(f"{here.http}/x")).status_code == 200
            await here.told("'app' from")
            assert here.tap.status.lost_count == len(FRAMES) + 3
            assert sum("RECORDING IS INCOMPLETE" in sentence for sentence in here.said) == 1

    run(test())


def test_compressed_frames_are_passed_on(tmp_path: Path) -> None:
    """They can't be heard, which is said."""

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching\r\n\r\n\xc1\x02ab\xc1\x02ab")
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        async with world(tmp_path / "s.parquet", upstream=upstream) as here:
            assert (await ask(here.tap.port, HANDSHAKE % b"/ari/events?app=a")).endswith(b"\xc1\x02ab\xc1\x02ab")
            assert here.tap.status.lost_count == 1
            assert "it is compressed" in "".join(here.said)
        server.close()

    run(test())


def test_another_websocket_is_passed_on(tmp_path: Path) -> None:
    """It is none of ARI's events; the handshake is noted."""
    target = tmp_path / "s.parquet"

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching\r\n\r\n\x81\x02ab")
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        async with world(target, upstream=upstream) as here:
            assert (await ask(here.tap.port, HANDSHAKE % b"/media/x")).endswith(b"\x81\x02ab")
        server.close()

    run(test())

    assert raws(target) == []
    assert [(row["uri"], row["status"]) for row in rows(target, "rest")] == [("/media/x", 101)]


async def closed_then(end: ClientConnection, event: asyncio.Event) -> None:
    with pytest.raises(ConnectionClosed):
        await end.recv()
    event.set()


def test_the_end_is_orderly(tmp_path: Path) -> None:
    """Both ends get a Close frame, and a request that is being answered is answered."""
    target = tmp_path / "s.parquet"

    async def test() -> None:
        async with client() as http, asyncio.TaskGroup() as tasks:
            async with world(target, fan_out=True) as here:
                app, copy = await dial(here), await dial(here)
                asterisk = await here.asterisk.peers.get()
                here.asterisk.news.clear()
                here.asterisk.release = asyncio.Event()
                asking = tasks.create_task(http.get(f"{here.http}/slow"))
                await here.asterisk.news.wait()
                ending = tasks.create_task(closed_then(app, here.asterisk.release))
            assert (await asking).status_code == 200
            await ending
            await closed_then(copy, asyncio.Event())
            assert app.close_code == copy.close_code == 1001
            assert (await asterisk.said.get())[0] == 1001

    run(test())

    assert rows(target, "connection")[-1]["reason"] == "the recording was stopped"
    assert [row["status"] for row in rows(target, "rest")] == [200]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*command, *names], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def test_tls(tmp_path: Path, certificate: Path) -> None:
    """A certificate that nobody vouches for is refused; with its authority both kinds of requests pass."""
    from arirecord.capture.address import Address
    from arirecord.capture.recorder import Recorder
    from arirecord.capture.tap import Tap, TapOptions

    async def test() -> None:
        recorder = Recorder(tmp_path / "s.parquet", {})
        async with serving(Asterisk(), certificate) as asterisk, client() as http:
            plain = Address.parse(asterisk.url)
            async with Tap(TapOptions(plain, port=0), lambda: recorder) as tap:
                answer = await http.get(f"{tap.url}/x")
                assert answer.status_code == 502
                assert "--ca" in answer.text
            for address in (plain.trusting(certificate), plain.trusting(None, insecure=True)):
                async with Tap(TapOptions(address, port=0), lambda: recorder) as tap:
                    assert (await http.get(f"{tap.url}/x")).status_code == 200
                    url = f"ws{tap.url.removeprefix('http')}/events?app=a"
                    async with connect(url, additional_headers=LOGIN, proxy=None) as app:
                        await (await asterisk.peers.get()).send("over TLS")
                        assert await app.recv() == "over TLS"
        recorder.close()
        recorder.seal()

    run(test())

    assert raws(tmp_path / "s.parquet") == ["over TLS"] * 2


COMMAND = [sys.executable, "-c", "import arirecord.cli as cli; cli.main()", "tap"]


async def start(*arguments: str, code: str = "") -> tuple[asyncio.subprocess.Process, str]:
    """The real command, and the URL it listens on."""
    program = [sys.executable, "-c", code + COMMAND[2], "tap"]
    process = await asyncio.create_subprocess_exec(
        *program, "--listen", ":0", *arguments, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    words = ""
    while "connect to " not in words:
        line = (await process.stderr.readline()).decode()
        assert line, words
        words += line
    return process, words.partition("connect to ")[2].partition(" ")[0]


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_the_command(tmp_path: Path, signal: str) -> None:
    """Records until a signal; seals; exit code 0."""
    import signal as signals

    target = tmp_path / "s.parquet"

    async def test() -> None:
        async with serving(Asterisk()) as asterisk, client() as http:
            process, url = await start("--upstream", asterisk.url, "-o", str(target))
            async with connect(
                f"ws{url.removeprefix('http')}/events?app=a", additional_headers=LOGIN, proxy=None
            ) as app:
                await (await asterisk.peers.get()).send("hello")
                assert await app.recv() == "hello"
                await http.get(f"{url}/channels")
                process.send_signal(getattr(signals, signal))
                with pytest.raises(ConnectionClosed):
                    await app.recv()
                assert app.close_code == 1001
            _, words = await process.communicate()
            assert process.returncode == 0, words.decode()
            assert b"1 events" in words

    run(test())

    assert raws(target) == ["hello"]
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]


def test_for_a_while(tmp_path: Path) -> None:
    """With --duration it ends by itself, in good order."""

    async def test() -> None:
        async with serving(Asterisk()) as asterisk:
            process, _ = await start("--upstream", asterisk.url, "-o", str(tmp_path / "s.parquet"), "--duration", "1s")
            _, words = await process.communicate()
            assert process.returncode == 0, words.decode()

    run(test())
    assert raws(tmp_path / "s.parquet") == []


FULL = """
import errno, os
from arirecord.session import journal
def full(fd, data): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
before = journal.JournalWriter.write_together
def write(self, rows):
    os.write = full
    before(self, rows)
journal.JournalWriter.write_together = write
"""


def test_a_full_disk(tmp_path: Path) -> None:
    """The application goes on; it is said at once, and at the end with exit code 3."""

    async def test() -> None:
        async with serving(Asterisk()) as asterisk, client() as http:
            process, url = await start("--upstream", asterisk.url, "-o", str(tmp_path / "s.parquet"), code=FULL)
            assert process.stderr is not None
            async with connect(
                f"ws{url.removeprefix('http')}/events?app=a", additional_headers=LOGIN, proxy=None
            ) as app:
                peer = await asterisk.peers.get()
                while b"THE DISK REFUSES" not in (line := await process.stderr.readline()):
                    assert line
                assert b"No space left" in line
                for n in range(100):
                    await peer.send(str(n))
                    assert await app.recv() == str(n)
                assert (await http.get(f"{url}/channels")).status_code == 200
                process.terminate()
            _, words = await process.communicate()
            assert process.returncode == 3, words.decode()
            assert b"could not be finished" in words
            assert b"recover" in words

    run(test())


def test_a_failed_start_leaves_nothing(tmp_path: Path) -> None:
    """A port in use, an output that exists, an address that is none: one sentence each."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "old.parquet").write_text("precious")
        for arguments, word in (
            (["--listen", f":{port}", "-o", str(tmp_path / "s.parquet")], "in use"),
            (["--listen", ":0", "-o", str(tmp_path / "old.parquet")], "exists"),
            (["--listen", "nonsense", "-o", str(tmp_path / "s.parquet")], "no address to listen on"),
        ):
            done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert word in done.stderr
            assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old.parquet"]
