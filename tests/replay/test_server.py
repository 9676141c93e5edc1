"""The server, asked by a real WebSocket client over loopback."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.typing import Subprotocol

from arirecord.errors import ReplayError
from arirecord.replay.options import AtEnd, ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.session.reader import RowBatch, SessionFile, open_session
from tests.conftest import Sessions

from .support import client, make, receive, run

S = 1_000_000_000
MAX = ReplayOptions(port=0, speed=None)
SHARED = ReplayOptions(port=0, speed=None, share=True)


def event(number: int, application: str = "recorder", **more: object) -> str:
    return json.dumps({"type": "ChannelUserevent", "n": number, **more, "application": application})


@pytest.fixture(scope="module")
def two_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames at once, and three more an hour later."""
    rows = [(n // 3 * 3600 * S, event(n)) for n in range(6)]
    return make(tmp_path_factory.mktemp("parts") / "two.parquet", rows)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than fits into the buffers between two programs: 30 MB."""
    return make(
        tmp_path_factory.mktemp("large") / "large.parquet", [(n, event(n, x="x" * 10_000)) for n in range(3000)]
    )


class Said:
    """What the server told the person who runs it; `wait` waits until it has said something."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Event()

    def __call__(self, text: str) -> None:
        self.lines.append(text)
        self._more.set()

    async def wait(self, part: str) -> str:
        while not (found := [line for line in self.lines if part in line]):
            self._more.clear()
            await self._more.wait()
        return found[0]


@pytest.mark.parametrize(
    "name",
    [
        "ivr_dtmf/all",
        "attended_transfer/all",
        "edge_pretty_tz/pretty",
        "edge_rest_ws/restws",
        "edge_ws_drop/all_2",
        "userevents_textmessage/app",
    ],
)
def test_every_frame_of_a_recording_arrives_as_it_was(sessions: Sessions, name: str) -> None:
    session = open_session(sessions[name])
    expected = [frame.raw for frame in session.frames()]

    async def main() -> list[str]:
        async with (
            ReplayServer(session, MAX) as server,
            client(server.url, ",".join(session.header.applications)) as connection,
        ):
            return await receive(connection, len(expected))

    assert run(main()) == expected


def test_no_frame_is_early_and_the_time_between_is_divided_by_the_speed(sessions: Sessions) -> None:
    session = open_session(sessions["ivr_dtmf/all"])
    frames = [f for f in session.frames() if f.elapsed_ns < 3 * S]
    assert frames[-1].elapsed_ns > 1 * S

    async def main() -> tuple[int, list[int]]:
        async with ReplayServer(session, ReplayOptions(port=0, speed=10)) as server:
            start_ns = time.monotonic_ns()
            async with client(server.url) as connection:
                arrived = []
                for frame in frames:
                    assert await connection.recv() == frame.raw
                    arrived.append(time.monotonic_ns())
            return start_ns, arrived

    start_ns, arrived = run(main())
    for frame, arrived_ns in zip(frames, arrived, strict=True):
        assert arrived_ns - start_ns >= (frame.elapsed_ns - frames[0].elapsed_ns) / 10


@pytest.mark.parametrize("query", ["", "?app=", "?app=,", "?subscribeAll=true"])
def test_without_an_application_the_handshake_fails_with_400(two_parts: Path, query: str) -> None:
    async def main() -> int:
        async with ReplayServer(two_parts, MAX) as server:
            with pytest.raises(InvalidStatus) as refused:
                await connect(server.url + query)
            return refused.value.response.status_code

    assert run(main()) == 400


@pytest.mark.parametrize("path", ["/ari/event", "/ari/events/", "/events", "/", "/ari"])
def test_other_paths_are_not_found(two_parts: Path, path: str) -> None:
    async def main() -> tuple[int, int]:
        async with ReplayServer(two_parts, MAX) as server:
            with pytest.raises(InvalidStatus) as refused:
                await connect(server.http_url.replace("http", "ws") + path + "?app=a")
            return refused.value.response.status_code, await asyncio.to_thread(_get, server.http_url + path)

    assert run(main()) == (404, 404)


def test_events_without_a_websocket_want_one(two_parts: Path) -> None:
    async def main() -> int:
        async with ReplayServer(two_parts, MAX) as server:
            return await asyncio.to_thread(_get, server.url.replace("ws", "http") + "?app=a")

    assert run(main()) == 426


def _get(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    "query", ["app=recorder&subscribeAll=TRUE&api_key=u:p", "subscribeAll=false&app=x&app=recorder"]
)
def test_all_spellings_of_the_query_are_taken(two_parts: Path, query: str) -> None:
    async def main() -> list[str]:
        async with ReplayServer(two_parts, MAX) as server, connect(f"{server.url}?{query}") as connection:
            return await receive(connection, 6)

    assert run(main()) == [event(n) for n in range(6)]


def test_a_handshake_with_other_subprotocols_only_fails_with_400(
    two_parts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> int:
        async with ReplayServer(two_parts, MAX) as server:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{server.url}?app=a", subprotocols=[Subprotocol("chat")])
            return refused.value.response.status_code

    assert run(main()) == 400
    assert caplog.messages == []


def test_the_subprotocol_is_echoed_only_if_offered(two_parts: Path) -> None:
    async def main() -> list[str | None]:
        async with (
            ReplayServer(two_parts, MAX) as server,
            client(server.url, subprotocols=["ari"]) as offering,
            client(server.url) as silent,
        ):
            return [offering.subprotocol, silent.subprotocol]

    assert run(main()) == ["ari", None]


def test_an_unknown_application_gets_the_only_one_under_its_name(two_parts: Path) -> None:
    async def main() -> tuple[list[str], str]:
        said = Said()
        async with ReplayServer(two_parts, MAX, said) as server, client(server.url, "mine") as connection:
            return await receive(connection, 6), await said.wait("not in the recording")

    frames, notice = run(main())
    assert frames == [event(n, "mine") for n in range(6)]
    assert "'mine'" in notice
    assert "'recorder'" in notice


def test_of_several_applications_each_client_gets_its_own(tmp_path: Path) -> None:
    rows = [(0, event(0, "a")), (0, event(1, "b")), (0, "no JSON"), (0, event(2, "a"))]
    session = make(tmp_path / "s.parquet", rows)

    async def main() -> tuple[list[str], list[str], list[str], str]:
        said = Said()
        async with ReplayServer(session, SHARED, said) as server:
            server.pause()
            async with (
                client(server.url, "a") as a,
                client(server.url, "b,a") as both,
                client(server.url, "c") as c,
            ):
                server.resume()
                got = await receive(a, 3), await receive(both, 4), await receive(c, 1)
                return *got, await said.wait("'c'")

    a, both, c, notice = run(main())
    texts = [text for _, text in rows]
    assert a == [texts[0], texts[2], texts[3]]
    assert both == texts
    assert c == ["no JSON"]
    assert "it has 'a', 'b'" in notice


def test_a_later_client_joins_where_the_others_are(two_parts: Path) -> None:
    async def main() -> tuple[list[str], list[str]]:
        async with ReplayServer(two_parts, ReplayOptions(port=0, share=True)) as server, client(server.url) as first:
            got = await receive(first, 3)
            async with client(server.url) as second:
                server.set_speed(None)
                return got + await receive(first, 3), await receive(second, 3)

    first, second = run(main())
    assert first == [event(n) for n in range(6)]
    assert second == first[3:]


def test_time_stands_still_without_a_client_and_goes_on_with_one(two_parts: Path) -> None:
    async def main() -> None:
        said = Said()
        async with ReplayServer(two_parts, ReplayOptions(port=0, speed=1), said) as server:
            assert server.clock.paused
            async with client(server.url) as connection:
                await receive(connection, 3)
                assert not server.clock.paused
            await said.wait("has gone, after 3 frames")
            assert server.clock.paused
            server.set_speed(None)
            async with client(server.url) as connection:
                assert await receive(connection, 3) == [event(n) for n in range(3, 6)]

    run(main())


def test_a_client_lost_at_full_speed_comes_back_to_the_rest(large: Path) -> None:
    async def main() -> list[int]:
        said = Said()
        async with ReplayServer(large, MAX, said) as server:
            connection = await client(server.url)
            await receive(connection, 10)
            connection.transport.abort()
            await said.wait("has gone")
            reached = server.status.frames
            assert 10 <= reached < 3000
            async with client(server.url) as connection:
                return [reached] + [json.loads(text)["n"] for text in await receive(connection, 3000 - reached)]

    reached, *numbers = run(main())
    assert numbers == list(range(reached, 3000))


def test_a_client_that_does_not_read_holds_up_the_others_and_loses_nothing(large: Path) -> None:
    async def main() -> None:
        async with ReplayServer(large, SHARED) as server:
            server.pause()
            async with client(server.url) as slow, client(server.url) as quick:
                server.resume()
                await receive(quick, 100)
                assert server.status.frames < 3000
                both = await asyncio.gather(receive(slow, 3000), receive(quick, 2900))
                assert [json.loads(text)["n"] for text in both[0]] == list(range(3000))
                assert both[0][100:] == both[1]

    run(main())


def test_leaving_does_not_wait_for_a_client_that_does_not_read(large: Path) -> None:
    async def main() -> None:
        async with ReplayServer(large, MAX) as server:
            connection = await client(server.url)
            await receive(connection, 1)
        connection.transport.abort()

    run(main(), within_s=8)


def test_what_a_client_sends_is_taken(two_parts: Path) -> None:
    async def main() -> list[str]:
        async with ReplayServer(two_parts, MAX) as server:
            server.pause()
            async with client(server.url) as connection:
                for _ in range(50):
                    await connection.send(b"no text")
                await (await connection.ping())
                server.resume()
                return await receive(connection, 6)

    assert len(run(main())) == 6


def test_at_the_end_the_connection_is_held(two_parts: Path) -> None:
    async def main() -> None:
        said = Said()
        async with ReplayServer(two_parts, MAX, said) as server, client(server.url) as connection:
            await receive(connection, 6)
            await server.wait_end()
            await (await connection.ping())
            async with client(server.url) as late:
                await said.wait("nothing left to send")
                await (await late.ping())
            assert server.status.finished

    run(main())


@pytest.mark.parametrize("at_end", ["close", "exit"])
def test_at_the_end_the_connection_is_closed(two_parts: Path, at_end: AtEnd) -> None:
    async def main() -> None:
        async with ReplayServer(two_parts, ReplayOptions(port=0, speed=None, at_end=at_end)) as server:
            async with client(server.url) as connection:
                await receive(connection, 6)
                with pytest.raises(ConnectionClosedOK):
                    await connection.recv()
                assert connection.close_code == 1000
            if at_end == "exit":
                await server.wait_done()
            else:
                async with client(server.url) as late:
                    await (await late.ping())

    run(main())


def test_a_recording_without_a_frame_ends_when_a_client_has_come(tmp_path: Path) -> None:
    session = make(tmp_path / "empty.parquet", [])

    async def main() -> None:
        options = ReplayOptions(port=0, at_end="exit")
        async with ReplayServer(session, options) as server, client(server.url) as connection:
            await server.wait_done()
            await connection.wait_closed()

    run(main())


def test_an_end_that_is_read_late_is_noticed(two_parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_on = threading.Event()
    all_rows = list(open_session(two_parts).rows())

    def rows(self: SessionFile, **options: object) -> Iterator[RowBatch]:
        yield from all_rows
        read_on.wait()

    async def main() -> None:
        async with ReplayServer(two_parts, MAX) as server, client(server.url) as connection:
            await receive(connection, 6)
            assert not server.status.finished
            read_on.set()
            await server.wait_end()

    monkeypatch.setattr(SessionFile, "rows", rows)
    run(main())


def test_a_folder_is_replayed_as_one_recording(tmp_path: Path) -> None:
    start_ns = 1_700_000_000 * S
    for part in range(2):
        make(tmp_path / f"{part}.parquet", [(n, event(part * 10 + n)) for n in range(3)], start_ns + part * 3600 * S)

    async def main() -> tuple[list[str], int]:
        async with ReplayServer(tmp_path, MAX) as server, client(server.url) as connection:
            return await receive(connection, 6), server.status.position_ns

    frames, position_ns = run(main())
    assert [json.loads(text)["n"] for text in frames] == [0, 1, 2, 10, 11, 12]
    assert position_ns == 3600 * S + 2


def test_recorded_bytes_are_sent_as_bytes(tmp_path: Path) -> None:
    session = make(tmp_path / "s.parquet", [(0, "AP8=")], kind="binary")

    async def main() -> str | bytes:
        async with ReplayServer(session, MAX) as server, client(server.url) as connection:
            return await connection.recv()

    assert run(main()) == b"\x00\xff"


def test_what_arirecord_noted_itself_is_not_sent(tmp_path: Path) -> None:
    make(tmp_path / "1.parquet", [(0, '{"type":"gap"}')], kind="connection")
    make(tmp_path / "2.parquet", [(5, event(1))])

    async def main() -> list[str]:
        async with ReplayServer(tmp_path, MAX) as server, client(server.url) as connection:
            return await receive(connection, 1)

    assert run(main()) == [event(1)]


def test_an_error_in_the_block_comes_out_as_it_is(two_parts: Path) -> None:
    async def main() -> None:
        async with ReplayServer(two_parts, MAX) as server, client(server.url):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main())


def test_a_session_that_breaks_off_ends_the_block_with_one_sentence(
    two_parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(self: SessionFile, **options: object) -> Iterator[RowBatch]:
        raise OSError("unexpected end of page")
        yield

    async def main() -> None:
        async with ReplayServer(two_parts, MAX) as server:
            await server.wait_end()

    monkeypatch.setattr(SessionFile, "rows", rows)
    with pytest.raises(ReplayError, match="can't be read on: unexpected end of page"):
        run(main())


@pytest.mark.parametrize("size", [0, 1, 100, 125, 126, 127, 65535, 65536, 1 << 20])
def test_frames_of_every_size(tmp_path: Path, size: int) -> None:
    """The length is written in three ways; a size below that of the envelope is a text that is no event."""
    texts = ["x" * size, event(0, x="é" * size)]
    session = make(tmp_path / "s.parquet", list(enumerate(texts)))

    async def main() -> list[str]:
        async with ReplayServer(session, MAX) as server, client(server.url) as connection:
            return await receive(connection, 2)

    assert run(main()) == texts
