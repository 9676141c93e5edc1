"""Calls across servers, of three real Asterisks in a row (`tests/captures/trunks`, `tests/real_asterisk/trunks.py`)."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from arirecord.analytics import connect
from tests.analytics.test_identity import record
from tests.conftest import read_lines, streams

from .invariants import violations

A, B, C = "02:fc:00:00:0a:01", "02:fc:00:00:0b:02", "02:fc:00:00:0c:03"
pytestmark = pytest.mark.slow

CHAIN = [
    (1, A, B, "21002", True),
    (1, A, B, "21002", False),
    (1, A, B, "31003", True),
    (2, B, C, "31003", True),
    (1, B, A, "11001", True),
]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?=\+0000)")


def lines(servers: Collection[str] = (A, B, C), ahead_ms: int = 0, of_server: str = B) -> list[tuple[int, str]]:
    """Times of receipt and frames of some servers; the clock of one is ahead."""
    found = [orjson.loads(line) for line in read_lines(streams()["trunks/all"])]
    frames = [(line["t"], line["frame"]) for line in found if any(f'"{server}"' in line["frame"] for server in servers)]
    return [(t, later(text, ahead_ms) if f'"{of_server}"' in text else text) for t, text in frames]


def later(frame: str, by_ms: int) -> str:
    """The frame as an Asterisk would have sent it whose clock is ahead."""
    return _TIME.sub(
        lambda found: (datetime.fromisoformat(found[0]) + timedelta(milliseconds=by_ms)).isoformat(
            timespec="milliseconds"
        ),
        frame,
    )


def rows(path: Path, columns: str) -> list[tuple[Any, ...]]:
    connection = connect(path)
    assert violations(connection) == []
    return connection.execute(f"SELECT {columns} FROM trunk_calls ORDER BY protocol_id").fetchall()


WAY = "hop, from_server, to_server, to_exten, is_answered"


@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "file"])
def test_a_chain_of_three_servers(tmp_path: Path, is_folder: bool) -> None:
    """In one merged session, and in a folder with a session of each server."""
    target = tmp_path / "calls"
    target.mkdir()
    for number, servers in enumerate([[A], [B], [C]] if is_folder else [[A, B, C]]):
        record(target / f"{number}.parquet", lines(servers))

    assert sorted(rows(target, WAY)) == sorted(CHAIN)


@pytest.mark.parametrize(
    ("servers", "count", "hops"), [([A, B], 4, {1}), ([B, C], 1, {1}), ([A, C], 0, set()), ([B], 0, set())]
)
def test_servers_that_are_not_recorded(tmp_path: Path, servers: list[str], count: int, hops: set[int]) -> None:
    """What is left of a chain is a chain; a server alone has no trunk calls."""
    found = rows(record(tmp_path / "calls.parquet", lines(servers)), "hop")

    assert (len(found), {hop for (hop,) in found}) == (count, hops)


@pytest.mark.parametrize("ahead_ms", [-3_600_000, -1234, 0, 90_000])
def test_the_difference_of_clocks(tmp_path: Path, ahead_ms: int) -> None:
    """It is that of the called server: as given where b is called, the opposite where b calls."""
    found = rows(
        record(tmp_path / "calls.parquet", lines(ahead_ms=ahead_ms)),
        "to_server, is_answered, clock_offset_ms, clock_error_ms",
    )

    assert len(found) == len(CHAIN)
    for to_server, is_answered, offset_ms, error_ms in found:
        assert (offset_ms is not None) == is_answered
        if offset_ms is not None:
            assert abs(offset_ms - (ahead_ms if to_server == B else -ahead_ms)) <= error_ms < 10


def test_every_sip_channel_has_its_call_id(tmp_path: Path) -> None:
    """`channels` and `legs` have it, and it is at most two channels': the two ends of a trunk."""
    connection = connect(record(tmp_path / "calls.parquet", lines()))
    for table in ("channels", "legs"):
        counts = connection.execute(f"SELECT count(*) FROM {table} GROUP BY protocol_id ORDER BY ALL").fetchall()
        assert counts == [(1,)] * 10 + [(2,)] * 5
