"""The HTTP side of a replay: who is let in, the documents, applications, and what is not there."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from arirecord.asterisk.catalogue import event_types
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.replay.wire.uvicorn_server import web_server
from arirecord.session.rows import own_text

from .support import client, make, receive, run
from .test_server import MAX, Said, event

LOCKED = ReplayOptions(port=0, speed=None, user="app", password="sécret:1")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    odd = json.dumps({"type": "FromTheFuture", "shape": {"a": 1}, "colour": "red", "application": "recorder"})
    rows = [(0, event(0)), (0, odd), (0, event(2))]
    return make(tmp_path_factory.mktemp("http") / "s.parquet", rows)


def ask(path: Path, *requests: tuple[Any, ...], options: ReplayOptions = MAX, **more: Any) -> list[httpx2.Response]:
    """The answers to `(method, path under /ari)` requests."""

    async def main() -> list[httpx2.Response]:
        async with (
            ReplayServer(path, options) as server,
            httpx2.AsyncClient(base_url=server.http_url, trust_env=False) as http,
        ):
            return [await http.request(method, "/ari" + target, **more) for method, target in requests]

    return run(main())


@pytest.mark.slow
def test_the_documents_describe_everything_and_begin_where_the_client_is(session: Path) -> None:
    named = replace(MAX, allow_host=("pbx.example",))
    [listed] = ask(session, ("GET", "/api-docs/resources.json"), options=named, headers={"Host": "pbx.example:8088"})
    paths = [api["path"].replace("{format}", "json") for api in listed.json()["apis"]]
    declarations = {answer.url.path: answer.json() for answer in ask(session, *(("GET", path) for path in paths))}

    assert listed.json()["basePath"] == "http://pbx.example:8088/ari"
    assert len(paths) == 11
    models = declarations["/ari/api-docs/events.json"]["models"]
    assert set(event_types()) <= models.keys()
    assert models["FromTheFuture"]["properties"]["shape"]["type"] == "object"
    assert models["FromTheFuture"]["properties"]["colour"]["type"] == "string"
    assert all(name == model["id"] for name, model in models.items())


def test_recorded_documents_are_served_with_a_model_for_every_type(tmp_path: Path) -> None:
    listed = {"basePath": "http://pbx/ari", "swaggerVersion": "1.1", "apis": [{"path": "/api-docs/events.{format}"}]}
    events = {"basePath": "http://pbx/ari", "apis": [], "models": {"Own": {"id": "Own", "properties": {}}}}
    rows = [
        own_text("rest", "GET", by="recorder", method="GET", uri=uri, status=200, answer_body=json.dumps(body))
        for uri, body in {"/api-docs/resources.json": listed, "/api-docs/events.json": events}.items()
    ]
    make(tmp_path / "1.parquet", [(n, raw) for n, raw in enumerate(rows)], kind="rest")
    make(tmp_path / "2.parquet", [(9, event(0)), (9, '{"type":"FromTheFuture","a":[]}')])

    first, second, third = ask(tmp_path, *(("GET", f"/api-docs/{name}.json") for name in ("resources", "events", "x")))
    assert first.json()["apis"] == listed["apis"]
    assert first.json()["basePath"].startswith("http://127.0.0.1:")
    assert second.json()["models"].keys() == {"Own", "ChannelUserevent", "FromTheFuture"}
    assert third.status_code == 404


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nosuch", 404),
        ("GET", "/channels/", 404),
        ("GET", "/", 404),
        ("GET", "/api-docs/nosuch.json", 404),
        ("POST", "/api-docs/resources.json", 405),
        ("PATCH", "/channels", 405),
        ("GET", "//channels", 405),
        ("GET", "/applications/nobody", 404),
    ],
)
def test_what_is_not_there_is_answered_in_aris_shape(session: Path, method: str, target: str, status: int) -> None:
    [answer] = ask(session, (method, target))

    assert answer.status_code == status
    assert list(answer.json()) == ["message"]


def test_info_and_ping(session: Path) -> None:
    info, only, ping = ask(session, *(("GET", f"/asterisk/{what}") for what in ("info", "info?only=system", "ping")))

    assert info.json()["system"]["entity_id"]
    assert list(only.json()) == ["system"]
    assert ping.json()["ping"] == "pong"


@pytest.mark.parametrize(
    ("query", "headers", "let_in"),
    [
        ("", {}, False),
        ("?api_key=app:s%C3%A9cret:1", {}, True),
        ("?api_key=app%3As%C3%A9cret%3A1", {}, True),
        ("?api_key=app:wrong", {}, False),
        ("", {"Authorization": httpx2._auth.BasicAuth("app", "sécret:1")._auth_header}, True),
        ("", {"Authorization": "Basic !!!"}, False),
        ("", {"Authorization": "Bearer YXBwOnPDqWNyZXQ6MQ=="}, False),
    ],
)
def test_a_name_and_a_password(session: Path, query: str, headers: dict[str, str], let_in: bool) -> None:
    [answer] = ask(session, ("GET", f"/asterisk/ping{query}"), options=LOCKED, headers=headers)

    async def handshake() -> bool:
        async with ReplayServer(session, LOCKED) as server:
            url = f"{server.url}?app=recorder{query.replace('?', '&')}"
            try:
                async with connect(url, additional_headers=headers) as connection:
                    await receive(connection, 3)
                return True
            except InvalidStatus as refused:
                assert refused.response.status_code == 401
                assert refused.response.headers["WWW-Authenticate"].startswith("Basic realm=")
                return False

    assert answer.status_code == (200 if let_in else 401)
    assert let_in or answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert run(handshake()) == let_in


def test_a_second_client_takes_the_application(session: Path) -> None:
    async def main() -> tuple[dict[str, Any], list[str]]:
        said = Said()
        async with ReplayServer(session, MAX, said) as server:
            server.pause()
            async with client(server.url) as older, client(server.url) as newer:
                told = json.loads(await older.recv())
                server.resume()
                got = await receive(newer, 3)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await older.recv()
                await said.wait("takes recorder from")
                return told, got

    told, got = run(main())
    assert told["type"] == "ApplicationReplaced"
    assert told["application"] == "recorder"
    assert [json.loads(text)["type"] for text in got] == ["ChannelUserevent", "FromTheFuture", "ChannelUserevent"]


def test_an_event_filter_is_honoured(session: Path) -> None:
    async def main() -> tuple[dict[str, Any], list[int], list[str]]:
        async with ReplayServer(session, MAX) as server, httpx2.AsyncClient(trust_env=False) as http:
            server.pause()
            url = f"{server.http_url}/ari/applications/mine/eventFilter"
            assert (await http.put(url, json={})).status_code == 404
            async with client(server.url, "mine") as connection:
                wrong = [(await http.put(url, content=body)).status_code for body in (b"[]", b"{", b'{"allowed":[1]}')]
                hidden = await http.put(url, json={"disallowed": [{"type": "FromTheFuture"}]})
                server.resume()
                return hidden.json(), wrong, await receive(connection, 2)

    described, wrong, got = run(main())
    assert described["events_disallowed"] == [{"type": "FromTheFuture"}]
    assert wrong == [400, 400, 400]
    assert [json.loads(text)["n"] for text in got] == [0, 2]


def test_an_application_is_there_while_a_client_has_it(session: Path) -> None:
    async def main() -> tuple[list[Any], dict[str, Any]]:
        said = Said()
        async with ReplayServer(session, MAX, said) as server, httpx2.AsyncClient(trust_env=False) as http:
            url = f"{server.http_url}/ari/applications"
            async with client(server.url):
                there = (await http.get(url)).json()
                await http.post(f"{server.http_url}/ari/channels/create?endpoint=PJSIP/a&app=recorder&channelId=1")
                subscribed = await http.post(f"{url}/recorder/subscription?eventSource=channel:1,endpoint:PJSIP/a")
            await said.wait("has gone")
            return [there, (await http.get(url)).json()], subscribed.json()

    lists, subscribed = run(main())
    assert [[app["name"] for app in apps] for apps in lists] == [["recorder"], []]
    assert subscribed["channel_ids"] == ["1"]
    assert subscribed["endpoint_ids"] == ["PJSIP/a"]


def test_an_idle_connection_stays_as_long_as_asterisks() -> None:
    """Its `session_keep_alive` is 15 s; an app may send its next request just when a shorter time ends."""
    assert web_server(object()).config.timeout_keep_alive == 15
