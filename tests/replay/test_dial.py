"""An app that waits for Asterisk's outbound WebSocket, and clients that come back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, basic_auth, serve

from arirecord.errors import ReplayError
from arirecord.replay.options import OnReconnect, ReplayOptions
from arirecord.replay.server import ReplayServer

from .support import client, make, receive, run
from .test_server import S, Said, event
from .test_time import numbers


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return make(tmp_path / "s.parquet", [(n * S, event(n)) for n in range(5)])


class App:
    """An app that waits to be dialled. It asks for something over each connection, and notes what it hears."""

    def __init__(self, leave_after: int | None = None) -> None:
        self.heard: list[list[dict[str, Any]]] = []
        self.handshakes: list[Any] = []
        self.all_heard = asyncio.Event()
        self._leave_after = leave_after

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.handshakes.append((connection.request.path, connection.subprotocol, dict(connection.request.headers)))
        heard: list[dict[str, Any]] = []
        self.heard.append(heard)
        request = {"type": "RESTRequest", "request_id": "1", "method": "GET", "uri": "applications"}
        await connection.send(json.dumps(request))
        async for text in connection:
            heard.append(json.loads(text))
            told = [e for events in self.heard for e in events if "n" in e]
            if len(told) == 5:
                self.all_heard.set()
            if self._leave_after is not None and len([e for e in heard if "n" in e]) == self._leave_after:
                self._leave_after = None
                connection.transport.abort()
                return


@pytest.mark.parametrize("leave_after", [None, 2])
def test_an_app_is_dialled_and_dialled_again(session: Path, leave_after: int | None) -> None:
    async def main() -> App:
        app, said = App(leave_after), Said()
        async with serve(app, "127.0.0.1", 0, subprotocols=["ari"]) as waiting:  # type: ignore[list-item]  # a NewType
            port = waiting.sockets[0].getsockname()[1]
            options = ReplayOptions(
                port=0,
                speed=20,
                connect=[f"ws://127.0.0.1:{port}/in?x=y"],
                connect_apps=["mine"],
                reconnect_interval_s=0.05,
            )
            async with ReplayServer(session, options, said):
                await said.wait(f"Client ws://127.0.0.1:{port}/in?x=y connected for mine")
                await app.all_heard.wait()
        return app

    app = run(main())
    for events in app.heard:
        assert events[0]["type"] == "ApplicationRegistered"
        assert {e["application"] for e in events} == {"mine"}
        (answer,) = [e for e in events if e["type"] == "RESTResponse"]
        assert [found["name"] for found in json.loads(answer["message_body"])] == ["mine"]
    assert [e["n"] for events in app.heard for e in events if "n" in e] == list(range(5))
    assert len(app.heard) == (1 if leave_after is None else 2)
    assert app.handshakes[0][:2] == ("/in?x=y", "ari")


def test_it_waits_for_the_app_and_logs_in(session: Path, unused_port: int) -> None:
    async def main() -> tuple[App, list[str]]:
        app, said = App(), Said()
        url = f"ws://pbx:secret@127.0.0.1:{unused_port}/"
        options = ReplayOptions(port=0, speed=None, connect=[url], reconnect_interval_s=0.02)
        check = basic_auth(credentials=("pbx", "secret"))
        async with ReplayServer(session, options, said):
            await said.wait("can't be reached")
            async with serve(app, "127.0.0.1", unused_port, process_request=check):
                await app.all_heard.wait()
        return app, said.lines

    app, lines = run(main())
    assert app.heard[0][0]["application"] == "recorder"
    assert not any("secret" in line for line in lines)
    assert len([line for line in lines if "can't be reached" in line]) == 1


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.mark.parametrize("url", ["http://x/", "ws://", "app:9000", "ws://u:secret@/x"])
def test_what_can_not_be_dialled_is_said(session: Path, url: str) -> None:
    with pytest.raises(ReplayError, match="is not a WebSocket address") as refused:
        ReplayServer(session, ReplayOptions(port=0, connect=[url]))
    assert "secret" not in str(refused.value)


def test_at_the_end_it_is_not_dialled_again(session: Path) -> None:
    async def main() -> int:
        app = App()
        async with serve(app, "127.0.0.1", 0) as waiting:
            url = f"ws://127.0.0.1:{waiting.sockets[0].getsockname()[1]}/"
            options = ReplayOptions(port=0, speed=None, at_end="exit", connect=[url], reconnect_interval_s=0.01)
            async with ReplayServer(session, options) as server:
                await server.wait_done()
        return len(app.heard)

    assert run(main()) == 1


@pytest.mark.parametrize(("on_reconnect", "then"), [("resume", [3, 4]), ("restart", [0, 1, 2, 3, 4])])
def test_a_client_that_comes_back(session: Path, on_reconnect: OnReconnect, then: list[int]) -> None:
    async def main() -> list[Any]:
        said = Said()
        options = ReplayOptions(port=0, speed=1, start_paused=True, on_reconnect=on_reconnect)
        async with ReplayServer(session, options, said) as server:
            async with client(server.url) as connection:
                for _ in range(3):
                    server.step()
                    await receive(connection, 1)
            await said.wait("has gone, after 3")
            server.set_speed(None)
            server.resume()
            async with client(server.url) as connection:
                return numbers(await receive(connection, len(then)))

    assert run(main()) == then


def test_after_the_end_who_comes_back_gets_it_all_again(session: Path) -> None:
    async def main() -> list[list[Any]]:
        options = ReplayOptions(port=0, speed=None, on_reconnect="restart", start_ns=1_700_000_002 * S)
        got, said = [], Said()
        async with ReplayServer(session, options, said) as server:
            for _ in range(3):
                async with client(server.url) as connection:
                    got.append(numbers(await receive(connection, 3)))
                    async with client(server.url, "another"):
                        await server.wait_end()
                await said.wait(f"{connection.local_address[1]} has gone")
        return got

    assert run(main()) == [[2, 3, 4]] * 3
