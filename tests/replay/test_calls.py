"""One call out of a recording, and the next one."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from arirecord.cli.replay import replay as replay_command
from arirecord.cli.replay_types import call_starts, find_call
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.replay.timing.call_filter import CallFrames
from arirecord.select.times import Position
from arirecord.session.reader import open_session
from tests.conftest import Sessions

from .support import client, frame, receive, run
from .test_server import MAX, Said

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.mark.slow
@pytest.mark.parametrize("channel_id", ["1795474753.78", "1795474753.79"])
def test_only_the_events_of_a_call_are_sent(channel_id: str) -> None:
    session = open_session(SAMPLES / "transfers.parquet")
    call = find_call(session, channel_id)
    assert call.call_id == "1795474753.78"
    expected = [f.raw for f in session.frames() if any(f'"{key}"' in f.raw for key in call.channel_ids)]

    async def main() -> list[str]:
        options = ReplayOptions(
            port=0, speed=None, only_call=call, start_ns=call.begin.ns, until_ns=call.end.ns, until_seq=call.end.seq
        )
        app = next(iter(session.header.applications))
        async with ReplayServer(session, options) as server, client(server.url, app) as connection:
            await server.wait_end()
            return await receive(connection, server.status.frames)

    got = run(main())
    assert len(call.channel_ids) == 3
    about = [raw for raw in got if any(f'"{key}"' in raw for key in call.channel_ids)]
    assert about == [raw for raw in expected if raw in set(got)]
    assert {json.loads(raw)["type"] for raw in set(got) - set(about)} <= {"BridgeCreated", "BridgeDestroyed"}
    assert {json.loads(raw)["type"] for raw in set(expected) - set(got)} == set()


@pytest.mark.slow
def test_no_event_is_of_two_calls(sessions: Sessions) -> None:
    """And with all calls together every event that names a channel is told."""
    session = open_session(sessions["hold_unhold/all"])
    frames = list(session.frames())
    starts = [next(f for f in frames if f.seq == place.seq) for place in call_starts(session)]
    calls = [find_call(session, json.loads(start.raw)["channel"]["id"]) for start in starts]

    of_calls = [sum(call.has(f) for call in calls) for f in frames if "channel" in json.loads(f.raw)]
    assert of_calls == [1] * len(of_calls)
    assert len(calls) > 1


@pytest.mark.parametrize("raw", ["x 1", "[1]", '{"channel":{"id":"1"}}', '{"channel":{"id":1,"dialplan":{}}}'])
def test_odd_frames_are_of_no_call(raw: str) -> None:
    call = CallFrames("1", frozenset(["1"]), frozenset(["é"]), Position(0), Position(1))

    assert not call.has(frame(0, 0, raw))
    assert not call.has(frame(0, 0, raw)._replace(kind="binary"))


@pytest.mark.slow
def test_the_next_call() -> None:
    session = open_session(SAMPLES / "transfers.parquet")
    places = call_starts(session)
    app = next(iter(session.header.applications))

    async def main() -> list[str]:
        said, got = Said(), []
        options = ReplayOptions(port=0, start_paused=True, call_starts=lambda: places[:3])
        async with (
            ReplayServer(session, options, said) as server,
            httpx2.AsyncClient(base_url=server.http_url + "/control", trust_env=False) as http,
            client(server.url, app) as connection,
        ):
            await http.post("/step")
            got += await receive(connection, 1)
            for _ in range(2):
                before = (await http.get("/status")).json()["position_s"]
                assert (await http.post("/next-call")).status_code == 200
                while (await http.get("/status")).json()["position_s"] == before:
                    pass
                await http.post("/step")
                got += await receive(connection, 1)
            await http.post("/next-call")
            await said.wait("No further call")
            return got

    expected = {f.seq: f.raw for f in session.frames()}
    assert run(main()) == [expected[place.seq] for place in places[:3]]


def test_where_calls_are_not_known_there_is_no_next_one(sessions: Sessions) -> None:
    async def main() -> Any:
        async with ReplayServer(sessions["ivr_dtmf/all"], MAX) as server, httpx2.AsyncClient(trust_env=False) as http:
            return (await http.post(f"{server.http_url}/control/next-call")).status_code

    assert run(main()) == 409


@pytest.mark.slow
def test_a_call_that_is_not_there_is_wrong_usage() -> None:
    result = CliRunner().invoke(replay_command, [str(SAMPLES / "transfers.parquet"), "--only-call", "nobody"])

    assert result.exit_code == 2
    assert "no call or channel 'nobody'" in " ".join(result.stderr.replace("│", "").split())
