"""Which part of a recording, how often, how fast, and the control API."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from arirecord.cli.replay import replay as replay_command
from arirecord.replay.frame_source import FrameSource
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.replay.timing.pacing import AGAIN, paced, repeated
from arirecord.session.reader import Frame

from .support import client, frame, make, receive, run
from .test_server import MAX, S, event

T0 = 1_700_000_000 * S


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel begins at 1 s; then an event each second up to 9 s; the channel ends at 10 s."""

    def told(kind: str) -> str:
        channel = {"id": "1", "name": "PJSIP/a-1", "state": "Up"}
        return json.dumps({"type": kind, "channel": channel, "application": "recorder"})

    rows = [(1 * S, told("ChannelCreated")), *((n * S, event(n)) for n in range(2, 10))]
    return make(tmp_path_factory.mktemp("time") / "s.parquet", [*rows, (10 * S, told("ChannelDestroyed"))])


def numbers(texts: list[str]) -> list[Any]:
    return [json.loads(text).get("n") for text in texts]


def hear(session: Path, count: int, options: ReplayOptions) -> list[Any]:
    async def main() -> list[Any]:
        async with ReplayServer(session, options) as server, client(server.url) as connection:
            got = numbers(await receive(connection, count))
            if options.loop == 1:
                await server.wait_end()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await connection.recv()
            connection.transport.abort()  # it would wait for a Close frame behind all that it does not read
            return got

    return run(main())


def test_a_part_of_it(session: Path) -> None:
    assert hear(session, 3, replace(MAX, start_ns=T0 + 4 * S, until_ns=T0 + 7 * S)) == [4, 5, 6]


def test_what_was_up_at_the_start_is_known(session: Path) -> None:
    async def main() -> tuple[int, int]:
        options = replace(MAX, start_ns=T0 + 4 * S, until_ns=T0 + 11 * S)
        async with (
            ReplayServer(session, options) as server,
            httpx2.AsyncClient(base_url=server.http_url, trust_env=False) as http,
        ):
            before = (await http.get("/ari/channels/1")).status_code
            async with client(server.url) as connection:
                await receive(connection, 7)
                await server.wait_end()
                return before, (await http.get("/ari/channels/1")).status_code

    assert run(main()) == (200, 404)


@pytest.mark.parametrize(("until_s", "up"), [(7, 1), (11, 0)])
@pytest.mark.parametrize("loop", [1, 3])
def test_what_is_up_is_found_out_when_somebody_asks(session: Path, until_s: int, up: int, loop: int) -> None:
    """At full speed nobody looks into the frames until then; after it, into every one."""

    async def main() -> list[int]:
        options = replace(MAX, until_ns=T0 + until_s * S, loop=loop)
        async with (
            ReplayServer(session, options) as server,
            httpx2.AsyncClient(base_url=server.http_url + "/ari", trust_env=False) as http,
            client(server.url) as connection,
        ):
            await server.wait_end()
            asked = await asyncio.gather(*(http.get("/channels") for _ in range(3)))
            server.seek(0)
            await http.get("/channels")
            await server.wait_end()
            last = await http.get("/channels")
            connection.transport.abort()
            return [len(answer.json()) for answer in (*asked, last)]

    assert run(main()) == [up] * 4


def test_what_can_not_be_read_is_said_to_who_asks(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: FrameSource, start_ns: int | None) -> Iterator[Frame]:
        raise OSError("unexpected end of page")
        yield

    async def main() -> httpx2.Response:
        async with (
            ReplayServer(session, MAX) as server,
            httpx2.AsyncClient(trust_env=False) as http,
            client(server.url) as connection,
        ):
            await receive(connection, 10)
            monkeypatch.setattr(FrameSource, "once", broken)
            return await http.get(f"{server.http_url}/ari/channels")

    answer = run(main())
    assert answer.status_code == 503
    assert "can't be read: unexpected end of page" in answer.json()["message"]


def test_over_and_over(session: Path) -> None:
    once = [None, *range(2, 10), None]

    assert hear(session, 20, replace(MAX, loop=2)) == once * 2
    assert hear(session, 25, replace(MAX, loop=0)) == (once * 3)[:25]
    assert hear(session, 4, replace(MAX, loop=3, start_ns=T0 + 8 * S, until_ns=T0 + 10 * S)) == [8, 9, 8, 9]


def test_only_some_types_are_sent_and_all_are_known(session: Path) -> None:
    assert hear(session, 2, replace(MAX, exclude=frozenset(["ChannelUserevent"]))) == [None, None]
    assert hear(session, 8, replace(MAX, types=frozenset(["ChannelUserevent"]))) == list(range(2, 10))


def test_silences_are_shortened_and_gaps_lengthened() -> None:
    frames = [frame(n, at * S) for n, at in enumerate([5, 5, 100, 101])]
    rest = frame(9, 5 * S)._replace(kind="rest")
    sends = ReplayOptions().sends

    assert [f.elapsed_ns / S for f in paced(frames, 2 * S, 0, sends)] == [0, 0, 2, 3]
    assert [f.elapsed_ns / S for f in paced(frames, None, 3 * S, sends)] == [0, 3, 98, 101]
    assert [f.elapsed_ns / S for f in paced([frames[0], rest, frames[1]], None, S, sends)] == [0, 0, 1]


def test_between_two_passes_is_a_second_and_a_new_beginning() -> None:
    passes = list(repeated(lambda: [frame(0, 0), frame(1, S)], 2))

    assert [(f.elapsed_ns / S, f.kind == AGAIN) for f in passes] == [
        (0, False),
        (1, False),
        (2, True),
        (2, False),
        (3, False),
    ]
    assert list(repeated(lambda: [], None)) == []


def test_the_control_api(session: Path) -> None:
    async def main() -> None:
        options = ReplayOptions(port=0, speed=1, start_paused=True)
        async with (
            ReplayServer(session, options) as server,
            httpx2.AsyncClient(base_url=server.http_url + "/control", trust_env=False) as http,
            client(server.url) as connection,
        ):
            status = (await http.get("/status")).json()
            assert status["paused"]
            assert status["duration_s"] == 10
            for expected in (None, 2, 3):
                await http.post("/step")
                assert numbers(await receive(connection, 1)) == [expected]
            assert (await http.get("/status")).json()["position_s"] == 3
            for to in (0.5, 1000, 8):  # an answer has the new position, also past the end
                sought = (await http.post(f"/seek?to={to}")).json()
                assert (sought["position_s"], sought["finished"]) == (min(to, 10), False)
            await http.post("/step")
            assert numbers(await receive(connection, 1)) == [8]
            assert (await http.post("/speed?speed=max")).json()["speed"] == "max"
            assert not (await http.post("/resume")).json()["paused"]
            assert numbers(await receive(connection, 2)) == [9, None]
            await server.wait_end()
            assert not (await http.post("/seek", json={"to": 0})).json()["finished"]
            assert numbers(await receive(connection, 10)) == [None, *range(2, 10), None]
            assert (await http.post("/pause")).json()["paused"]

    run(main())


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", "/control/pause", {}, 405),
        ("POST", "/control/status", {}, 405),
        ("POST", "/control/nosuch", {}, 404),
        ("POST", "/control/", {}, 404),
        ("POST", "/control/speed?speed=0", {}, 400),
        ("POST", "/control/speed?speed=nan", {}, 400),
        ("POST", "/control/seek?to=-1", {}, 400),
        ("POST", "/control/seek", {}, 400),
        ("POST", "/control/pause", {"Origin": "https://example.org"}, 403),
    ],
)
def test_the_control_api_refuses(session: Path, method: str, target: str, headers: dict[str, str], status: int) -> None:
    async def main() -> int:
        async with ReplayServer(session, MAX) as server, httpx2.AsyncClient(trust_env=False) as http:
            return (await http.request(method, server.http_url + target, headers=headers)).status_code

    assert run(main()) == status


def test_the_end_is_said_once(session: Path) -> None:
    result = CliRunner().invoke(replay_command, [str(session), "--until=+1m", "--duration=5s"])

    assert result.exit_code == 2
    assert "--until or --duration" in result.stderr
