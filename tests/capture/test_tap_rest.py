"""The tap passes REST on, over HTTP and over the WebSocket, and keeps it."""

import asyncio
import base64
import random
from pathlib import Path
from typing import Any

import orjson

from .tap_world import ask, client, dial, raws, rows, world


async def test_rest_passes_and_is_kept(tmp_path: Path) -> None:
    """Any method; headers both ways; Host as the application wrote it."""
    target = tmp_path / "s.parquet"
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


async def test_bodies_of_all_kinds(tmp_path: Path) -> None:
    """Chunked, binary, large, none. A large one passes whole and is recorded by its size."""
    target = tmp_path / "s.parquet"
    binary = random.Random(1).randbytes(200_000)
    large = binary * 20

    async def pieces() -> Any:
        for start in range(0, len(binary), 1000):
            yield binary[start : start + 1000]

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

    chunked, big, head, none, moved = rows(target, "rest")
    assert base64.b64decode(chunked["request_base64"]) == binary
    assert base64.b64decode(chunked["answer_base64"]) == binary
    assert big["request_body"] == big["answer_body"] == f"[{len(large)} bytes, not kept]"
    assert [row["status"] for row in (head, none, moved)] == [200, 204, 302]
    assert "answer_body" not in head


async def test_odd_servers_and_clients(tmp_path: Path) -> None:
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

    server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
    async with world(target, upstream=upstream) as here:
        requests = b"GET /1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n\r\nGET /3 HTTP/1.0\r\n\r\n"
        assert await ask(here.tap.port, requests) == b"".join(answers)
        assert (await ask(here.tap.port, b"GET /cut HTTP/1.1\r\n\r\n")).endswith(b"half")
    server.close()

    found = {row["uri"]: row for row in rows(target, "rest")}
    assert (found["/1"]["status"], found["/1"]["reason"], found["/1"]["answer_body"]) == (299, "My Own Reason", "ok")
    assert found["/2"]["answer_body"] == "abc"
    assert found["/3"]["answer_body"] == "until the end"
    assert found["/cut"]["reason"] == "no whole answer: the connection ended"
    assert found["/cut"]["answer_body"] == "half"


async def test_what_is_no_http_is_passed_on(tmp_path: Path) -> None:
    """And said; it is no loss."""

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.read(100))
        writer.close()

    server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
    async with world(tmp_path / "s.parquet", upstream=upstream) as here:
        assert await ask(here.tap.port, b"\x16\x03\x01") == b"you said \x16\x03\x01"
        assert "passed on, not recorded" in here.said[0]
        assert here.tap.status.lost_count == 0
    server.close()


async def test_rest_over_the_websocket(tmp_path: Path) -> None:
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
    async with world(target) as here, dial(here) as app:
        asterisk = await here.asterisk.peers.get()
        for request in asked:
            await app.send(orjson.dumps(request).decode())
            assert orjson.loads(await asterisk.said.get()) == request
        for answer in answered:
            await asterisk.send(orjson.dumps(answer).decode())
            assert orjson.loads(await app.recv()) == answer

    post, get, delete = rows(target, "rest")
    assert [orjson.loads(raw) for raw in raws(target)] == answered
    assert {row["transport"] for row in (post, get, delete)} == {"websocket"}
    assert (post["method"], post["uri"], post["status"]) == ("POST", "channels?endpoint=PJSIP/1", 200)
    assert (post["request_body"], post["answer_body"]) == ('{"variables":{"a":"ü"}}', "{}")
    assert (get["uri"], get["status"], get["reason"]) == ("channels?a=b", 404, "Not Found")
    assert get["client"].endswith("(app)")
    assert delete["reason"] == "no answer: the connection ended"
