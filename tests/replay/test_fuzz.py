"""Whatever a client sends, it gets an answer that is no 500, and the server goes on."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from arirecord.asterisk.rest_operations import Operation, operations
from arirecord.replay.clients.app_registry import Applications
from arirecord.replay.options import ReplayOptions
from arirecord.replay.pbx.state import PbxState
from arirecord.replay.rest.matcher import queued_exchange
from arirecord.replay.rest.messages import RestRequest, RestResponse
from arirecord.replay.rest.recorded_exchanges import RecordedExchange, RecordedRest, exchange_of
from arirecord.replay.rest.websocket_rest import parse_message, response_text
from arirecord.replay.rest_handler import RestHandler
from arirecord.replay.server import ReplayServer
from arirecord.replay.verify.compare import compare
from arirecord.replay.verify.grouping import Grouping, Request
from arirecord.replay.verify.rules import Rule, Rules
from tests.examples import examples

from .support import client, frame, make, receive, run
from .test_server import MAX, event

pytestmark = pytest.mark.slow

OPERATIONS = [operation for group in operations().values() for operation in group]
PATHS = sorted({operation.path for group in operations().values() for operation in group})
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "G\u00e9T"])
IDS = st.text(max_size=12) | st.sampled_from(["..", "%2F", "%", "+", "{channelId}", "1", "\0"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
NAMES = sorted({p.name for group in operations().values() for operation in group for p in operation.parameters})
OBJECTS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), JSON, max_size=5)
BODIES = st.binary(max_size=60) | OBJECTS.map(lambda value: json.dumps(value).encode())


THINGS = JSON | st.fixed_dictionaries({"id": JSON, "name": JSON, "state": JSON})
FIELDS = (
    *("channel", "bridge", "peer", "caller", "replace_channel", "playback", "recording", "endpoint", "device_state"),
    *("args", "variable", "value"),
)
EVENTS = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, THINGS))
KINDS = (
    *(
        "ChannelCreated",
        "StasisStart",
        "StasisEnd",
        "ChannelDestroyed",
        "ChannelVarset",
        "BridgeDestroyed",
        "PlaybackFinished",
    ),
    *("RecordingFinished", "PeerStatusChange", "DeviceStateChanged", "Unknown"),
)


def rest(exchanges: Sequence[RecordedExchange] = ()) -> RestHandler:
    """A replay's REST interface where a channel is up and a client has an application."""
    pbx, applications = PbxState(), Applications[object]()
    applications.claim(object(), ["1"])
    raw = json.dumps(
        {"type": "ChannelCreated", "channel": {"id": "1", "name": "PJSIP/a-1", "state": "Up", "caller": 5}}
    )
    pbx.feed([frame(0, 0, raw)._replace(type="ChannelCreated")])
    recorded = RecordedRest(exchanges=list(exchanges), applications=["1"])
    return RestHandler(recorded, pbx, applications, "00:00", lambda: "2026-11-23T22:05:24.514+0000", lambda: 5)


@st.composite
def targets(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from(PATHS))
    for name in NAMES:
        path = path.replace(f"{{{name}}}", draw(IDS) if f"{{{name}}}" in path else "")
    query = draw(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=8), max_size=3))
    return path + "?" + "&".join(f"{name}={value}" for name, value in query.items())


@given(METHODS, targets() | st.text(max_size=30), BODIES, st.none() | st.text(max_size=30))
@examples(800)
def test_any_question_has_an_answer(method: str, target: str, body: bytes, content_type: str | None) -> None:
    request = RestRequest(method, "/" + target.removeprefix("/"), body, content_type, "http://x/ari")
    answer, _ = rest().respond(request)

    assert 200 <= answer.status < 500
    assert isinstance(answer.content, bytes)


@st.composite
def exchanges(draw: st.DrawFn) -> RecordedExchange | None:
    """What a `rest` row of a damaged or foreign recording may tell."""
    row = {
        "rest_by": "app",
        "rest_method": draw(METHODS),
        "rest_uri": draw(st.sampled_from(["/ari", "", "/"])) + draw(targets()),
        "rest_status": draw(st.none() | st.integers(-5, 700)),
        "rest_answer_body": draw(JSON.map(json.dumps) | st.text(max_size=20)),
        "rest_answer_type": draw(st.none() | st.sampled_from(["application/json", "text/plain", "x\ny"])),
        "rest_request_body": draw(OBJECTS.map(json.dumps) | st.text(max_size=20)),
        "rest_duration_ns": draw(st.none() | st.integers(0, 10)),
    }
    return exchange_of(json.dumps(row), draw(st.integers(0, 10)))


@given(st.lists(exchanges(), max_size=6), st.lists(st.integers(0, 5), max_size=6), st.text(max_size=5))
@examples(150)
def test_any_recorded_exchange_is_an_answer(found: list[RecordedExchange | None], order: list[int], mine: str) -> None:
    """To who asks the same, in any order, with other ids; what it is about can be grouped and shown."""
    known = [exchange for exchange in found if exchange is not None]
    replayed, grouping = rest(known), Grouping()
    replayed.ids.bind("channels", "1", mine or "x")
    for number in order[: len(known)]:
        answer, _ = replayed.respond(known[number % len(known)].request)
        assert 200 <= answer.status < 600
        assert isinstance(answer.content, bytes)
    rules = Rules([Rule.parse("* *?name,variables.a")], grouping.knows)
    requests = [
        Request(one.key, one.created_id) for exchange in known if (one := queued_exchange(exchange)) is not None
    ]
    for request in requests:
        grouping.request(request.key, request.created_id)
    grouping.finish()
    assert all(call.is_same for call in compare(requests, requests, grouping, rules))


@given(JSON | EVENTS, st.sampled_from(["StasisStart", "Dial", "ChannelEnteredBridge"]))
@examples(200)
def test_any_event_can_be_grouped(value: object, kind: str) -> None:
    Grouping().event(frame(0, 0, json.dumps(value))._replace(type=kind))


@given(
    st.text(max_size=60)
    | JSON.map(json.dumps)
    | st.fixed_dictionaries(
        {"type": st.just("RESTRequest"), "uri": targets() | JSON},
        optional={name: JSON for name in ("method", "query_strings", "message_body", "transaction_id", "content_type")},
    ).map(json.dumps)
)
@examples(400)
def test_any_message_has_an_answer(text: str) -> None:
    message = parse_message(text)
    answer = message.refusal if message.request is None else rest().respond(message.request)[0]
    response = json.loads(response_text(message, answer, "app", "now", "id"))

    assert response["type"] == "RESTResponse"
    assert 200 <= response["status_code"] < 500


@given(JSON | EVENTS, st.sampled_from(KINDS))
@examples(400)
def test_the_model_takes_any_event(value: object, kind: str) -> None:
    raw = json.dumps(value if not isinstance(value, dict) else {"type": kind, **value})
    pbx = PbxState()
    pbx.feed([frame(0, 0, raw)._replace(type=kind), frame(1, 1, raw)._replace(kind="rest", type="GET")])
    pbx.catch_up()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("fuzz") / "s.parquet", [(0, event(n)) for n in range(3)])


@given(
    st.lists(st.tuples(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.binary(max_size=40), BODIES), max_size=8)
)
@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_leave_the_server_up(session: Path, requests: list[tuple[str, bytes, bytes]]) -> None:
    async def main() -> list[str]:
        async with ReplayServer(session, MAX) as server:
            for method, path, body in requests:
                reader, writer = await asyncio.open_connection(server.host, server.port)
                head = (
                    f"{method} /ari/".encode()
                    + path
                    + f" HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n".encode()
                )
                writer.write(head + b"Connection: close\r\n\r\n" + body)
                answer = await reader.read()
                assert not answer.startswith(b"HTTP/1.1 5"), answer
                writer.close()
            async with client(server.url) as connection:
                return await receive(connection, 3)

    assert run(main()) == [event(n) for n in range(3)]


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["Authorization", "Content-Type", "Origin", "Accept", "Transfer-Encoding", "Expect", "Range"])
        | st.from_regex(r"[A-Za-z-]{1,20}", fullmatch=True),
        st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0")) | st.just(b"x" * 70_000),
    ),
    max_size=6,
)


@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), HEADERS, BODIES), min_size=1, max_size=4), st.booleans())
@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_headers_leave_the_server_up(
    session: Path, requests: list[tuple[Operation, list[tuple[str, bytes]], bytes]], locked: bool
) -> None:
    """Over all operations, with and without a password asked for; a request that is half sent holds nobody up."""

    async def main() -> int:
        options = ReplayOptions(port=0, speed=None, user="u" if locked else None, password="p")
        async with ReplayServer(session, options) as server:
            for operation, headers, body in requests:
                reader, writer = await asyncio.open_connection(server.host, server.port)
                lines = [f"{operation.method} /ari{operation.path} HTTP/1.1".encode(), b"Host: x", b"Connection: close"]
                lines += [name.encode() + b": " + value for name, value in headers]
                writer.write(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]) + body)
                writer.write_eof()
                with contextlib.suppress(ConnectionError):  # a head that is too large is not read to its end
                    answer = await reader.read()
                    assert not answer.startswith(b"HTTP/1.1 5"), answer
                writer.close()
            async with httpx2.AsyncClient(trust_env=False, auth=("u", "p")) as http:
                return (await http.get(f"{server.http_url}/ari/asterisk/ping")).status_code

    assert run(main()) == 200


def test_a_body_that_is_too_large_is_refused(session: Path) -> None:
    async def main() -> tuple[int, float]:
        async with ReplayServer(session, MAX) as server, httpx2.AsyncClient(trust_env=False) as http:
            began = time.monotonic()
            answer = await http.post(f"{server.http_url}/ari/channels", content=b"x" * (3 << 20))
            return answer.status_code, time.monotonic() - began

    status, took_s = run(main())
    assert status == 413
    assert took_s < 5


def test_an_answer_has_words_for_any_status() -> None:
    assert RestResponse(299).reason == "Unknown"
