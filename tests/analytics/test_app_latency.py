"""How quickly an application answers: what a tap recorded, and rows made by hand."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import connect as dial

from arirecord.analytics import connect
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal
from tests.capture.tap_world import AUTHORIZATION, world

LOGIN = {"Authorization": AUTHORIZATION}
MS = 1_000_000


def event(kind: str, channel_id: str | None = None, **more: Any) -> dict[str, Any]:
    channel = {"channel": {"id": channel_id, "name": f"PJSIP/{channel_id}"}} if channel_id else {}
    return {"type": kind, "timestamp": "2026-01-01T10:00:00.000+0000", "application": "ivr", **channel, **more}


def request(method: str, uri: str, took_ms: int, by: str = "app", **more: Any) -> dict[str, Any]:
    client = {"rest_by": by, "rest_client": "10.0.0.1:4711 (ivr)", "rest_transport": "http"}
    asked = {"rest_method": method, "rest_uri": uri, "rest_status": 200, "rest_duration_ns": took_ms * MS}
    return {"type": method, **client, **asked, **more}


def session(target: Path, rows: list[tuple[int, dict[str, Any]]]) -> Path:
    writer = JournalWriter(journal_path(target), 0, {"verb": "tap"})
    kinds = {True: "rest", False: "event"}
    writer.write((ms * MS, ms * MS, kinds["rest_by" in row], orjson.dumps(row).decode()) for ms, row in rows)
    writer.close()
    seal(journal_path(target), target)
    return target


def test_each_request_answers_to_the_last_event_about_the_same(tmp_path: Path) -> None:
    """By the path, by parameters in query and body, by a playback; not to another channel's, nor to variables."""
    target = session(
        tmp_path / "session.parquet",
        [
            (0, event("StasisStart", "a", args=[])),
            (5, event("ChannelVarset", "a", variable="X", value="1")),
            (20, request("POST", "/pbx/ari/channels/a/answer", 10)),
            (21, event("StasisStart", "ari/b ", args=[])),
            (40, request("POST", "/ari/channels/a/play?media=sound:menu", 5)),
            (41, event("PlaybackStarted", playback={"id": "p", "media_uri": "sound:menu", "target_uri": "channel:a"})),
            (50, event("ChannelDtmfReceived", "a", digit="1", duration_ms=100)),
            (60, request("DELETE", "/ari/playbacks/p", 2)),
            (70, request("POST", "/ari/bridges/br/addChannel?channel=a,ari%2Fb%20", 1)),
            (71, event("ChannelEnteredBridge", "a", bridge={"id": "br", "bridge_type": "mixing", "channels": ["a"]})),
            (80, request("POST", "/ari/bridges/br/addChannel", 1, rest_request_body='{"channel": "a"}')),
            (90, request("POST", "/ari/channels?endpoint=PJSIP/c&originator=ari%2Fb+", 1)),
            (95, request("POST", "channels/ari%2Fb%20/ring", 1, rest_transport="websocket")),
            (96, request("GET", "/ari/channels", 1)),
            (97, request("GET", "/ari/channels/a", 1, by="recorder")),
            (98, request("GET", "/ari/channels/nobody", 1)),
        ],
    )

    columns = "operation, about_id, event_type, latency_ms, answer_ms, is_first, application"
    rows = connect(target, models=["app_latency"]).execute(f"SELECT {columns} FROM app_latency ORDER BY seq").fetchall()

    assert [row[:-1] for row in rows] == [
        ("channels/{}/answer", "a", "StasisStart", 10.0, 10.0, True),
        ("channels/{}/play", "a", "StasisStart", 35.0, 5.0, False),
        ("playbacks/{}", "a", "ChannelDtmfReceived", 8.0, 2.0, True),
        ("bridges/{}/addChannel", "a", "ChannelDtmfReceived", 19.0, 1.0, False),
        ("bridges/{}/addChannel", "a", "ChannelEnteredBridge", 8.0, 1.0, True),
        ("channels", "ari/b ", "StasisStart", 68.0, 1.0, True),
        ("channels/{}/ring", "ari/b ", "StasisStart", 73.0, 1.0, False),
        ("channels", None, None, None, 1.0, None),
        ("channels/{}", None, None, None, 1.0, None),
    ]
    assert {row[-1] for row in rows} == {"ivr"}


async def test_through_a_tap(tmp_path: Path) -> None:
    """An application behind a tap takes 50 ms to think about a channel, and more to hang it up."""
    target = tmp_path / "session.parquet"
    async with (
        world(target) as where,
        httpx2.AsyncClient(trust_env=False, headers=LOGIN) as rest,
        dial(where.events("ivr"), additional_headers=LOGIN, proxy=None) as app,
    ):
        asterisk = await where.asterisk.peers.get()
        await asterisk.send(orjson.dumps(event("StasisStart", "1.1", args=[])).decode())
        await app.recv()
        await asyncio.sleep(0.05)  # the application thinks
        await rest.post(f"{where.http}/channels/1.1/answer")
        await rest.delete(f"{where.http}/channels/1.1")

    columns = "application, method, operation, event_type, is_first, latency_ms >= 49, answer_ms > 0, status"
    rows = connect(target, models=["app_latency"]).execute(f"SELECT {columns} FROM app_latency ORDER BY seq").fetchall()

    assert rows == [
        ("ivr", "POST", "channels/{}/answer", "StasisStart", True, True, True, 200),
        ("ivr", "DELETE", "channels/{}", "StasisStart", False, True, True, 200),
    ]
