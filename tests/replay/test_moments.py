"""The ways in which people write places in a recording."""

from pathlib import Path
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from arirecord.cli.replay import replay as replay_command
from arirecord.errors import ReplayError
from arirecord.replay.frame_source import find_place
from arirecord.replay.options import ReplayOptions
from arirecord.replay.pbx import lazy_state
from arirecord.replay.server import ReplayServer
from arirecord.select.times import Position
from arirecord.session.header import KEY
from arirecord.session.positions import find_places, rows_before
from arirecord.session.reader import SessionFile, open_session

from .support import client, make, receive, run
from .test_server import MAX, S, event
from .test_time import numbers

T0 = 1_700_000_000 * S  # 2023-11-14 22:13:20 UTC


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> SessionFile:
    """Half an hour, an event a minute, three at the tenth."""
    minutes = [*range(10), 10, 10, 10, *range(11, 31)]
    rows = [(minute * 60 * S, event(n)) for n, minute in enumerate(minutes)]
    return open_session(make(tmp_path_factory.mktemp("moments") / "s.parquet", rows))


@pytest.mark.parametrize(
    ("text", "after_s"),
    [
        ("+5m", 300),
        ("300", 300),
        ("0.5", 0.5),
        ("22:18:20", 300),
        ("22:18:20.250", 300.25),
        ("22:14", 40),
        ("23:18:20+01:00", 300),
        ("22:13", 0),
        ("00:05:00", 0),
        ("22:13:20", 0),
        ("2023-11-14T22:18:20", 300),
        ("2023-11-14 23:18:20+01:00", 300),
        ("2024-01-01", 4_067_200),
    ],
)
def test_times(session: SessionFile, text: str, after_s: float) -> None:
    assert find_place(text, session) == Position(T0 + int(after_s * S))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a time such as"),
        ("soon", "is not a time such as"),
        ("-5", "is not a time such as"),
        ("5m", "is not a time such as"),
        ("1e5", "is not a time such as"),
        ("seq:-1", "is not a time such as"),
        ("seq:33", "no row with seq:33"),
        ("22:45", "22:45 is not in the recording"),
        ("23:03:10", "from 2023-11-14 22:13:20 to 22:43:20 [(]UTC[)]"),
        ("99:00:00", "is not a time such as"),
        ("9" * 400, "is not a time such as"),
    ],
)
def test_what_is_not_there_is_said(session: SessionFile, text: str, why: str) -> None:
    with pytest.raises(ReplayError, match=why):
        find_place(text, session)


def test_a_time_of_day_after_midnight(tmp_path: Path) -> None:
    session = open_session(make(tmp_path / "s.parquet", [(0, event(0)), (3600 * 2 * S, event(1))]))

    assert find_place("00:10:00", session) == Position(T0 + 7000 * S)
    assert find_place("2023-11-15T00:10:00", session) == Position(T0 + 7000 * S)
    assert find_place("22:15:00", session) == Position(T0 + 100 * S)


def test_a_row_to_the_row(session: SessionFile) -> None:
    assert find_place("seq:11", session) == Position(T0 + 600 * S, 11)

    async def main(options: ReplayOptions, count: int) -> list[Any]:
        async with ReplayServer(session, options) as server, client(server.url) as connection:
            got = numbers(await receive(connection, count))
            await server.wait_end()
            return [*got, server.status.frames]

    start = ReplayOptions(port=0, speed=None, start_ns=T0 + 600 * S, start_seq=11, until_ns=T0 + 660 * S)
    until = ReplayOptions(port=0, speed=None, start_ns=T0 + 540 * S, until_ns=T0 + 600 * S, until_seq=12)
    assert run(main(start, 2)) == [11, 12, 2]
    assert run(main(until, 3)) == [9, 10, 11, 3]


def test_rows_of_a_folder_are_counted_through(tmp_path: Path) -> None:
    """The gap between two recordings takes a number."""
    for part in range(3):
        rows = [(n * S, event(n)) for n in range(4)]
        make(tmp_path / f"{part}.parquet", rows, T0 + part * 60 * S)
    session = open_session(tmp_path)

    assert find_place("seq:6", session) == Position(T0 + 61 * S, 1)
    assert find_places([0, 4, 13, 14], session) == [Position(T0, 0), Position(T0 + 123 * S, 3)]


@pytest.mark.parametrize(
    ("to", "first"),
    [
        *(("seq:11", 11), ("+10m", 10), ("22:33:20", 22), ("60", 1)),
        *(("59.99999999999999", 1), ("+59.99999999999999s", 1), (f"{0.1 + 0.2}", 1), ("5e-07", 1)),
    ],
)
def test_seeking_in_the_same_words(session: SessionFile, to: str, first: int) -> None:
    async def main() -> tuple[int, list[Any]]:
        async with (
            ReplayServer(session, ReplayOptions(port=0, start_paused=True)) as server,
            httpx2.AsyncClient(base_url=server.http_url + "/control", trust_env=False) as http,
            client(server.url) as connection,
        ):
            refused = await http.post("/seek", params={"to": "23:59:59"})
            assert "not in the recording" in refused.json()["message"]
            assert (await http.post("/seek", params={"to": to})).status_code == 200
            await http.post("/step")
            return refused.status_code, numbers(await receive(connection, 1))

    assert run(main()) == (400, [first])


@pytest.mark.slow
def test_far_places_are_found_without_reading_what_is_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was up there is read when somebody asks."""
    monkeypatch.setattr(lazy_state, "_AT_ONCE", 2000)
    channel = '{"type":"ChannelCreated","channel":{"id":"1","name":"a-1","state":"Up"},"application":"recorder"}'
    rows = [(0, channel), *((n * S, event(n)) for n in range(1, 8000))]
    path = make(tmp_path / "s.parquet", rows)
    table, header = pq.read_table(path), pq.read_metadata(path).metadata
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table, row_group_size=1000)
        writer.add_key_value_metadata({KEY: header[KEY]})
    session = open_session(path)
    assert rows_before(session, T0 + 7500 * S) == 8000
    assert rows_before(session, T0 + 500 * S) == 1000
    assert [f.seq for f in session.frames(since_ns=T0 + 7990 * S, until_ns=T0 + 7993 * S)] == [7990, 7991, 7992]

    async def main() -> tuple[list[Any], list[Any]]:
        async with (
            ReplayServer(session, MAX) as server,
            httpx2.AsyncClient(base_url=server.http_url, trust_env=False) as http,
        ):
            server.pause()
            server.seek(7998)
            async with client(server.url) as connection:
                server.resume()
                got = numbers(await receive(connection, 2))
                return got, (await http.get("/ari/channels")).json()

    got, channels = run(main())
    assert got == [7998, 7999]
    assert [channel["id"] for channel in channels] == ["1"]


def test_a_place_that_is_not_there_is_wrong_usage(session: SessionFile) -> None:
    result = CliRunner().invoke(replay_command, [str(session.path), "--start", "seq:99"])

    assert result.exit_code == 2
    assert "the recording has no row with seq:99" in result.stderr
