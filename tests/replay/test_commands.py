"""What a client wants done: recorded answers, plausible ones, over HTTP and over the WebSocket, and the log of it."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from arirecord.cli.replay import replay
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.session.reader import open_session
from arirecord.session.rows import own_text

from .support import client, make, receive, run
from .test_server import MAX, event

CHANNEL = {"id": "my/id 1", "name": "PJSIP/a-1", "state": "Up", "caller": {"name": "", "number": ""}}


def exchange(method: str, uri: str, status: int, body: Any = None) -> str:
    text = None if body is None else json.dumps(body)
    return own_text("rest", method, by="app", method=method, uri=uri, status=status, answer_body=text)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel that stays up, and what an app asked of it."""
    folder = tmp_path_factory.mktemp("commands") / "s"
    folder.mkdir()
    start = {"type": "StasisStart", "application": "recorder", "args": [], "channel": CHANNEL}
    make(folder / "1.parquet", [(0, json.dumps(start)), (0, event(1))])
    rows = [
        exchange("POST", "/channels/my%2Fid+1/play?media=sound:a&lang=de", 201, {"id": "recorded 1"}),
        exchange("POST", "/channels/my%2Fid+1/play?lang=de&media=sound:a", 201, {"id": "recorded 2"}),
        exchange("POST", "/channels/my%2Fid+1/hold", 409, {"message": "not in Stasis"}),
        exchange("GET", "/channels/my%2Fid+1/variable?variable=PIN", 200, {"value": "12"}),
        exchange("GET", "/asterisk/modules", 200, [{"name": "x"}]),
    ]
    make(folder / "2.parquet", [(1, row) for row in rows], kind="rest")
    return folder


def ask(session: Path, *requests: tuple[str, str], options: ReplayOptions = MAX) -> list[tuple[int, Any]]:
    """Answers, once all events were heard."""

    async def main() -> list[tuple[int, Any]]:
        async with (
            ReplayServer(session, options) as server,
            httpx2.AsyncClient(base_url=server.http_url, trust_env=False) as http,
            client(server.url) as connection,
        ):
            await receive(connection, 2)
            await server.wait_end()
            answers = [await http.request(method, "/ari" + target) for method, target in requests]
            return [(answer.status_code, answer.json() if answer.content else None) for answer in answers]

    return run(main())


def test_what_was_asked_in_the_recording_is_answered_as_it_was(session: Path) -> None:
    play = ("POST", "/channels/my%2Fid%201/play?media=sound%3Aa&lang=de&api_key=u:p")
    answers = ask(
        session,
        *[play] * 2,
        ("POST", "/channels/my%2Fid+1/hold"),
        ("GET", "/channels/my%2Fid+1/variable?variable=PIN"),
        ("GET", "/asterisk/modules"),
    )

    assert answers == [
        (201, {"id": "recorded 1"}),
        (201, {"id": "recorded 2"}),
        (409, {"message": "not in Stasis"}),
        (200, {"value": "12"}),
        (200, [{"name": "x"}]),
    ]


def test_what_was_not_is_answered_as_documented(session: Path) -> None:
    answers = ask(
        session,
        ("POST", "/channels/my%2Fid+1/answer"),
        ("POST", "/channels/nosuch/answer"),
        ("POST", "/channels/my%2Fid+1/redirect"),
        ("POST", "/channels/my%2Fid+1/play?media=sound:b"),
        ("POST", "/bridges?type=holding&bridgeId=b1"),
        ("GET", "/bridges/b1"),
        ("POST", "/bridges/b1/addChannel?channel=my/id%201"),
        ("DELETE", "/bridges/b1"),
        ("GET", "/bridges/b1"),
        ("POST", "/channels?endpoint=PJSIP/bob&app=a"),
        ("POST", "/channels/my%2Fid+1/variable?variable=X&value=1"),
        ("GET", "/channels/my%2Fid+1/variable?variable=X"),
        ("GET", "/channels/my%2Fid+1/rtp_statistics"),
        ("GET", "/mailboxes"),
    )

    expected = [204, 404, 400, 201, 200, 200, 204, 204, 404, 200, 204, 200, 404, 200]
    assert [status for status, _ in answers] == expected
    values = [value for _, value in answers]
    assert values[3].items() >= {"media_uri": "sound:b", "target_uri": "channel:my/id 1"}.items()
    assert values[3]["id"]
    assert values[5].items() >= {"id": "b1", "bridge_type": "holding", "channels": []}.items()
    assert values[9]["name"].startswith("PJSIP/bob-")
    assert values[11] == {"value": "1"}


def test_over_the_websocket_it_is_the_same_and_all_is_noted(session: Path, tmp_path: Path) -> None:
    target = tmp_path / "calls.parquet"

    async def main() -> list[dict[str, Any]]:
        async with (
            ReplayServer(session, ReplayOptions(port=0, speed=None, record_client=target)) as server,
            client(server.url, "mine") as connection,
        ):
            await receive(connection, 2)
            asked = {"type": "RESTRequest", "transaction_id": "t", "request_id": "r", "method": "POST"}
            query = [{"name": "media", "value": "sound:c&d"}, {"name": "api_key", "value": "u:secret"}]
            for message in (
                {**asked, "uri": "channels/my%2Fid+1/play", "query_strings": query, "message_body": ""},
                {**asked, "method": "DELETE", "uri": "channels/my%2Fid+1?reason=busy"},
                {"type": "Other"},
            ):
                await connection.send(json.dumps(message))
            await connection.send("{")
            return [json.loads(text) for text in await receive(connection, 4)]

    played, ended, other, broken = run(main())
    assert (played["type"], played["status_code"], played["reason_phrase"]) == ("RESTResponse", 201, "Created")
    assert (played["transaction_id"], played["request_id"], played["application"]) == ("t", "r", "mine")
    assert played["uri"] == "channels/my%2Fid+1/play"
    assert json.loads(played["message_body"])["media_uri"] == "sound:c&d"
    assert (ended["status_code"], ended["uri"], "message_body" in ended) == (204, "channels/my%2Fid+1", False)
    assert (other["status_code"], broken["status_code"]) == (400, 400)

    rows = [json.loads(frame.raw) for frame in open_session(target).frames(kinds=["rest"])]
    assert [(row["type"], row["rest_uri"], row["rest_status"]) for row in rows] == [
        ("POST", "/channels/my%2Fid+1/play?media=sound%3Ac%26d", 201),
        ("DELETE", "/channels/my%2Fid+1?reason=busy", 204),
    ]
    assert rows[0]["rest_transport"] == "websocket"
    assert "secret" not in json.dumps(rows)


def test_an_output_that_is_there_is_not_touched(session: Path, tmp_path: Path) -> None:
    target = make(tmp_path / "there.parquet", [])
    before = target.read_bytes()
    result = CliRunner().invoke(replay, [str(session), "--port=0", f"--record-client={target}"])

    assert result.exit_code == 1
    assert "there.parquet exists" in str(result.exception)
    assert target.read_bytes() == before


@pytest.mark.parametrize("value", ["app", "app:", ":x"])
def test_half_a_password_is_wrong_usage(session: Path, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARIRECORD_PASSWORD", raising=False)
    result = CliRunner().invoke(replay, [str(session), f"--user={value}"])

    assert result.exit_code == 2
    assert "NAME:PASSWORD" in result.stderr
