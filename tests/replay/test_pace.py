"""Events that wait for the client: order, patience, seeking and looping."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection

from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.rows import own_text
from arirecord.session.seal import seal

from .support import client, run

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 10**9


def event(number: int, kind: str = "ChannelDtmfReceived") -> str:
    channel = {"id": "c", "name": "PJSIP/a-1", "state": "Up"}
    return json.dumps({"type": kind, "digit": str(number), "channel": channel, "application": "app"})


def asked(uri: str, at_ns: int, asking_ns: int, application: str = "app") -> tuple[int, str, str]:
    """A command that was asked `asking_ns` before its answer came, as a row."""
    raw = own_text(
        "rest",
        "POST",
        by="app",
        client=f"127.0.0.1:5 ({application})",
        method="POST",
        uri=f"/ari{uri}",
        status=204,
        duration_ns=asking_ns,
    )
    return at_ns, "rest", raw


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0, then the app, whose WebSocket is for two, rings; 1 comes of that, before the answer to it is there.
    Another app's command is between. The app answers after 2, and 3 is the last.
    """
    rows = [
        (0, "event", event(0, "StasisStart")),
        (2 * SECOND_NS, "event", event(1)),
        asked("/channels/c/ring", 3 * SECOND_NS, 2 * SECOND_NS, "app,more"),
        asked("/channels/c/hold", 4 * SECOND_NS, 1, "other"),
        (5 * SECOND_NS, "event", event(2)),
        asked("/channels/c/answer", 6 * SECOND_NS, 1),
        (7 * SECOND_NS, "event", event(3)),
    ]
    target = tmp_path_factory.mktemp("pace") / "s.parquet"
    writer = JournalWriter(journal_path(target), START_NS, {"verb": "tap"})
    writer.write((START_NS + at_ns, at_ns, kind, raw) for at_ns, kind, raw in rows)
    writer.close()
    seal(journal_path(target), target)
    return target


def options(**more: Any) -> ReplayOptions:
    return ReplayOptions(**{"port": 0, "speed": None, "pace": "client", "pace_timeout_s": 20, **more})


async def digits(connection: ClientConnection, count: int) -> list[int]:
    return [int(json.loads(await connection.recv())["digit"]) for _ in range(count)]


async def nothing(connection: ClientConnection) -> None:
    """Nothing comes, in a time in which all would have come."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await connection.recv()


@pytest.mark.parametrize("speed", [None, 100, 1000])
def test_what_came_of_a_command_comes_after_it(session: Path, speed: float | None) -> None:
    """Also what came before its answer, and also where the app asks before it is waited for."""

    async def main() -> list[int]:
        async with (
            ReplayServer(session, options(speed=speed)) as server,
            httpx2.AsyncClient(base_url=f"{server.http_url}/ari", trust_env=False) as http,
            client(server.url, "app") as connection,
        ):
            heard = await digits(connection, 1)
            await nothing(connection)
            await http.post("/channels/c/answer")
            await nothing(connection)
            await http.post("/channels/c/ring")
            heard += await digits(connection, 3)
            await server.wait_end()
            return heard

    assert run(main()) == [0, 1, 2, 3]


def test_another_parameter_is_a_reaction_too(session: Path) -> None:
    """The replay goes on: who compares will say that it was another."""

    async def main() -> list[int]:
        async with (
            ReplayServer(session, options()) as server,
            httpx2.AsyncClient(base_url=f"{server.http_url}/ari", trust_env=False) as http,
            client(server.url, "app") as connection,
        ):
            await http.post("/channels/c/ring?x=y")
            return await digits(connection, 3)

    assert run(main()) == [0, 1, 2]


@pytest.mark.slow
def test_patience_ends(session: Path) -> None:
    """With a word on what was not asked."""
    said: list[str] = []

    async def main() -> list[int]:
        async with (
            ReplayServer(session, options(pace_timeout_s=0.05), said.append) as server,
            client(server.url, "app") as connection,
        ):
            return await digits(connection, 4)

    assert run(main()) == [0, 1, 2, 3]
    missed = [text for text in said if "did not send" in text]
    assert [text.split()[6] for text in missed] == ["/ari/channels/c/ring;", "/ari/channels/c/answer;"]


def test_seeking_leaves_what_is_waited_for(session: Path) -> None:
    """Forward past it, and back: then it is waited for anew. A pause and steps go before it, too."""

    async def main() -> list[int]:
        async with (
            ReplayServer(session, options()) as server,
            httpx2.AsyncClient(base_url=f"{server.http_url}/ari", trust_env=False) as http,
            client(server.url, "app") as connection,
        ):
            heard = await digits(connection, 1)
            server.seek(4.5)
            heard += await digits(connection, 1)
            await http.post("/channels/c/answer")
            heard += await digits(connection, 1)
            server.seek(0)
            heard += await digits(connection, 1)
            await nothing(connection)
            server.pause()
            server.step()
            heard += await digits(connection, 1)
            server.resume()
            await http.post("/channels/c/ring")
            return heard + await digits(connection, 1)

    assert run(main()) == [0, 2, 3, 0, 1, 2]


@pytest.mark.slow
def test_each_time_it_is_waited_for(session: Path) -> None:
    """Of a recording that is played twice."""

    async def main() -> list[int]:
        async with (
            ReplayServer(session, options(loop=2)) as server,
            httpx2.AsyncClient(base_url=f"{server.http_url}/ari", trust_env=False) as http,
            client(server.url, "app") as connection,
        ):
            heard = []
            for _ in range(2):
                heard += await digits(connection, 1)
                await nothing(connection)
                await http.post("/channels/c/ring")
                heard += await digits(connection, 2)
                await nothing(connection)
                await http.post("/channels/c/answer")
                heard += await digits(connection, 1)
            await server.wait_end()
            return heard

    assert run(main()) == [0, 1, 2, 3] * 2


def test_from_the_middle_on(session: Path) -> None:
    """What was asked before is not waited for."""

    async def main() -> list[int]:
        async with (
            ReplayServer(session, options(start_ns=START_NS + 4 * SECOND_NS + SECOND_NS // 2)) as server,
            httpx2.AsyncClient(base_url=f"{server.http_url}/ari", trust_env=False) as http,
            client(server.url, "app") as connection,
        ):
            heard = await digits(connection, 1)
            await http.post("/channels/c/answer")
            return heard + await digits(connection, 1)

    assert run(main()) == [2, 3]
