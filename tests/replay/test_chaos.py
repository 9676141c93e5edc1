"""Faults on purpose: they strike as asked, and the same ones again."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from arirecord.cli.replay import replay as replay_command
from arirecord.errors import ReplayError
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.replay.timing.chaos import Chaos, Fault, parse_faults

from .support import client, frame, make, receive, run
from .test_server import MAX, Said, event
from .test_time import numbers

MS = 1_000_000
FRAMES = [frame(n, n * MS)._replace(type="Even" if n % 2 == 0 else "Odd") for n in range(2000)]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("drop@1%", [Fault("drop", chance=0.01)]),
        ("drop=0.5%", [Fault("drop", chance=0.005)]),
        ("duplicate", [Fault("duplicate")]),
        ("drop@50%@Dial@StasisEnd", [Fault("drop", chance=0.5, types=frozenset(["Dial", "StasisEnd"]))]),
        ("reorder=50ms, stall=2s@Dial", [Fault("reorder", 0.05), Fault("stall", 2, types=frozenset(["Dial"]))]),
        ("close@Dial slow=20kB", [Fault("close", types=frozenset(["Dial"])), Fault("slow", 20_000)]),
        ("close=1011@0.1%", [Fault("close", 1011, chance=0.001)]),
        ("rest-500@5%@POST /channels", [Fault("rest-status", 500, 0.05, method="POST", path="/channels")]),
        ("rest-slow=2s@get *, rest-none", [Fault("rest-slow", 2, method="GET"), Fault("rest-none")]),
        ("drop@1% rest-cut@DELETE /x*", [Fault("drop", chance=0.01), Fault("rest-cut", method="DELETE", path="/x*")]),
        ("", []),
    ],
)
def test_words(text: str, faults: list[Fault]) -> None:
    assert parse_faults(text) == faults


@pytest.mark.parametrize(
    "text",
    ["drip@1%", "drop", "close", "stall=2s", "stall@Dial", "reorder", "slow", "slow=fast", "drop@101%", "drop@1%@2%",
     "reorder=5", "reorder=0s", "close=5@Dial", "drop@", "drop@x%", "slow=-1kB", "slow=0kB",
     "rest-200", "rest-slow", "rest-500@POST", "rest-none=5"],
)  # fmt: skip
def test_what_is_no_fault_is_said(text: str) -> None:
    with pytest.raises(ReplayError):
        parse_faults(text)


def struck(text: str, seed: int = 0) -> Chaos:
    return Chaos(parse_faults(text), seed)


def test_dropped_and_sent_twice() -> None:
    chaos = struck("drop@10%@Odd,duplicate@20%", 7)
    heard = Counter(f.seq for f in chaos.multiply(FRAMES))

    missing = [f for f in FRAMES if f.seq not in heard]
    assert {f.type for f in missing} == {"Odd"}
    assert 60 < len(missing) < 140
    assert 300 < sum(count == 2 for count in heard.values()) < 480
    assert chaos.counts == {"drop": len(missing), "duplicate": sum(c == 2 for c in heard.values())}
    assert chaos.summary.startswith(f"Chaos with seed 7: {len(missing)} dropped, ")


@given(st.integers(0, 10**20), st.data())
def test_it_is_a_matter_of_the_seed_and_of_the_frame(seed: int, data: st.DataObject) -> None:
    """Not of what was struck before, nor of how frames come in batches."""
    whole, parts = (struck("drop@30%,duplicate@30%", seed) for _ in range(2))
    frames = FRAMES[:50]
    cut = data.draw(st.integers(0, 50))

    assert parts.multiply(frames[cut:]) == whole.multiply(frames)[len(parts.multiply(frames[:cut])) :]


def test_another_seed_strikes_others() -> None:
    assert len({tuple(f.seq for f in struck("drop@50%", seed).multiply(FRAMES)) for seed in range(20)}) == 20


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(0, 9))
def test_reordered_within_a_window(gaps: list[int], seed: int) -> None:
    at = 0
    frames = []
    for number, gap in enumerate(gaps):
        at += gap * MS
        frames.append(frame(number, at))
    found = list(struck("reorder=100ms", seed).reorder(frames))

    assert sorted(f.seq for f in found) == list(range(len(frames)))
    assert [f.elapsed_ns for f in found] == sorted(f.elapsed_ns for f in found)
    assert all(0 <= f.elapsed_ns - frames[f.seq].elapsed_ns < 100 * MS for f in found)


def test_reordering_reorders() -> None:
    assert [f.seq for f in struck("reorder=10ms").reorder(FRAMES)] != list(range(2000))


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return make(tmp_path / "s.parquet", [(n * MS, event(n)) for n in range(200)])


def hear(session: Path, faults: str, options: ReplayOptions = MAX, **more: Any) -> tuple[list[list[Any]], list[str]]:
    """What came over each connection, of a client that always comes back; and what was said."""

    async def main() -> tuple[list[list[Any]], list[str]]:
        said, heard = Said(), []
        chosen = replace(options, chaos=parse_faults(faults), at_end="exit", **more)
        async with ReplayServer(session, chosen, said) as server:
            while not any("recording ends" in line for line in said.lines):
                got: list[Any] = []
                heard.append(got)
                async with client(server.url) as connection:
                    try:
                        while True:
                            got += numbers([str(await connection.recv())])
                    except ConnectionClosed:
                        got.append(connection.close_code)
            await server.wait_done()
        return heard, said.lines

    return run(main())


def test_over_the_wire_and_the_same_again(session: Path, tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    faults = "drop@5%,duplicate@5%,reorder=20ms"
    ((*first, code),), said = hear(session, faults, seed=3, chaos_log=log)
    ((*again, _),), _ = hear(session, faults, seed=3)
    ((*other, _),), _ = hear(session, faults, seed=4)

    noted = [json.loads(line) for line in log.read_text().splitlines()]
    dropped = {entry["seq"] for entry in noted if entry["fault"] == "drop"}
    assert code == 1000
    assert first == again != other
    assert first != sorted(first)
    assert set(range(200)) - set(first) == dropped
    assert len(dropped) > 2
    assert any("dropped" in line and "seed 3" in line for line in said)


def test_cut_at_an_event_and_come_back(tmp_path: Path) -> None:
    texts = [
        json.dumps({"type": "StasisEnd" if n in (2, 4) else "Dial", "n": n, "application": "recorder"})
        for n in range(6)
    ]
    session = make(tmp_path / "s.parquet", [(n, text) for n, text in enumerate(texts)])

    assert hear(session, "close@StasisEnd")[0] == [[0, 1, 2, 1006], [3, 4, 1006], [5, 1000]]
    assert hear(session, "close=1011@StasisEnd")[0] == [[0, 1, 2, 1011], [3, 4, 1011], [5, 1000]]


@pytest.mark.slow
def test_a_stall(session: Path) -> None:
    async def main() -> tuple[float, int]:
        options = ReplayOptions(port=0, speed=None, chaos=[Fault("stall", 0.3, chance=0.01)], seed=1)
        async with ReplayServer(session, options) as server, client(server.url) as connection:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await receive(connection, 200)
            return loop.time() - began, server.describe()["chaos"]["stall"]

    took_s, stalls = run(main())
    assert stalls > 0
    assert took_s >= 0.3 * (stalls - 1)


def test_slow_writes_take_their_time(tmp_path: Path) -> None:
    session = make(tmp_path / "s.parquet", [(0, event(0, x="x" * 1000)), (0, event(1))])

    async def main() -> tuple[float, list[Any]]:
        options = ReplayOptions(port=0, speed=None, chaos=parse_faults("slow=5kB"))
        async with ReplayServer(session, options) as server, client(server.url) as connection:
            loop = asyncio.get_running_loop()
            began = loop.time()
            got = numbers(await receive(connection, 2))
            return loop.time() - began, got

    took_s, got = run(main())
    assert got == [0, 1]
    assert took_s > 0.15


def test_wrong_faults_are_wrong_usage(session: Path) -> None:
    result = CliRunner().invoke(replay_command, [str(session), "--chaos", "drip@1%"])

    assert result.exit_code == 2
    assert "'drip@1%' is not a fault; there are" in result.stderr


def ask_all(session: Path, faults: str, *requests: str, **more: Any) -> list[int | str]:
    """The status of each response, or the name of the error."""

    async def main() -> list[int | str]:
        options = ReplayOptions(port=0, chaos=parse_faults(faults), **more)
        found: list[int | str] = []
        async with (
            ReplayServer(session, options) as server,
            httpx2.AsyncClient(base_url=f"{server.http_url}/ari", trust_env=False, timeout=0.5) as http,
        ):
            for request in requests:
                try:
                    found.append((await http.request(*request.split())).status_code)
                except httpx2.HTTPError as error:
                    found.append(type(error).__name__)
        return found

    return run(main())


@pytest.mark.slow
def test_requests_fail_on_purpose(session: Path) -> None:
    requests = ("GET /channels", "POST /bridges", "GET /bridges")

    assert ask_all(session, "", *requests) == [200, 200, 200]
    assert ask_all(session, "rest-503@GET *", *requests) == [503, 200, 503]
    assert ask_all(session, "rest-none@POST /bridges", *requests) == [200, "ReadTimeout", 200]
    assert ask_all(session, "rest-cut@* /bridges", *requests) == [200, "RemoteProtocolError", "RemoteProtocolError"]
    assert ask_all(session, "rest-slow=60s@GET /channels", *requests) == ["ReadTimeout", 200, 200]


def test_the_same_seed_refuses_the_same_requests(session: Path) -> None:
    requests = ["GET /channels"] * 60
    first, again, other = (ask_all(session, "rest-500@30%", *requests, seed=seed) for seed in (1, 1, 2))

    assert first == again != other
    assert 5 < first.count(500) < 40
