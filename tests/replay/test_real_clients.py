"""Client libraries that people use, unmodified, in programs of their own, take a replay for an Asterisk."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from arirecord.replay.options import AtEnd, ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.session.reader import open_session
from tests.conftest import Sessions

from .installed import node_clients, python_clients
from .support import make, run

APPS = Path(__file__).parent / "clients"
CACHE = Path(__file__).parents[2] / ".pytest_cache" / "d" / "ari-clients"
UNKNOWN = json.dumps(
    {"type": "FromTheFuture", "shape": {"a": 1}, "application": "rig", "timestamp": "2026-11-23T22:05:24.514+0000"}
)

pytestmark = pytest.mark.slow


def program(name: str) -> list[str]:
    """How to run one of the apps."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if name.endswith(".py"):
        return [str(python_clients(CACHE)), str(APPS / name)]
    node_clients(CACHE)
    return ["node", str(APPS / name)]


def recording(sessions: Sessions, target: Path) -> tuple[Path, str]:
    """The IVR until its last call leaves the app, with an event type nobody knows; and that call's channel."""
    frames = list(open_session(sessions["ivr_dtmf/app"]).frames())
    end = max(n for n, frame in enumerate(frames) if frame.type == "StasisEnd")
    start = max(n for n, frame in enumerate(frames) if frame.type == "StasisStart")
    rows = [(frame.elapsed_ns, frame.raw) for frame in frames[:end]]
    rows.insert(5, (rows[5][0], UNKNOWN))
    return make(target, rows), json.loads(frames[start].raw)["channel"]["id"]


async def perform(name: str, session: Path, count: int, channel: str, options: ReplayOptions) -> dict[str, Any]:
    """Let an app hear the recording; what it says at the end."""
    environment = {**os.environ, "NODE_PATH": str(CACHE / "node-clients" / "node_modules"), "PYTHONUNBUFFERED": "1"}
    async with ReplayServer(session, options) as server:
        server.pause()
        base = server.http_url + ("/" if name.endswith(".py") else "")
        command = [*program(name), base, "rig", str(count), channel]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
        assert process.stdout is not None
        try:
            told: list[bytes] = []
            async for line in process.stdout:  # libraries print things of their own
                told.append(line)
                if line.strip() == b"ready":
                    server.resume()
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
        result: dict[str, Any] = json.loads(told[-1])
        return result


@pytest.mark.parametrize("name", ["asyncari_app.py", "aioari_app.py", "ari_client.cjs"])
@pytest.mark.parametrize("at_end", ["hold", "close"])
def test_it_gets_every_event_once_in_order_and_reads_a_channel(
    sessions: Sessions, tmp_path: Path, name: str, at_end: AtEnd
) -> None:
    session, channel = recording(sessions, tmp_path / "s.parquet")
    expected = [json.loads(frame.raw) for frame in open_session(session).frames()]
    calls = tmp_path / "calls.parquet"
    options = ReplayOptions(port=0, speed=20, at_end=at_end, record_client=calls)
    program(name)  # installing is not part of the time

    result = run(perform(name, session, len(expected), channel, options))

    assert result["events"] == expected
    assert result["channel"]["id"] == channel
    assert result["channel"]["state"] == "Up"
    rows = [json.loads(frame.raw) for frame in open_session(calls).frames(kinds=["rest"])]
    assert [(row["rest_method"], row["rest_status"]) for row in rows[-2:]] == [("GET", 200), ("POST", 204)]
    assert rows[-1]["rest_uri"] == f"/channels/{channel}/answer"
    assert "password" not in json.dumps(rows)


def test_a_client_that_debounces_gets_all_with_a_smallest_gap(sessions: Sessions, tmp_path: Path) -> None:
    """@ipcom/asterisk-ari drops what comes within 100 ms of another event of that type and channel.

    The gap leaves 400 ms for a machine on which the client does not run at once.
    """
    session, channel = recording(sessions, tmp_path / "s.parquet")
    types = frozenset(["StasisStart", "ChannelDtmfReceived", "ChannelStateChange"])
    options = ReplayOptions(port=0, speed=1, types=types, idle_limit_ns=10**6, min_gap_ns=500 * 10**6)
    events = [json.loads(frame.raw) for frame in open_session(session).frames()]
    expected = [(event["type"], event["timestamp"]) for event in events if event["type"] in types]
    program("ipcom.cjs")

    result = run(perform("ipcom.cjs", session, len(expected), channel, options))

    assert [(event["type"], event["timestamp"]) for event in result["events"]] == expected
    assert result["channel"]["id"] == channel
