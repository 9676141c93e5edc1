"""Calls across three real Asterisks with SIP trunks between them, recorded at each: `trunk_calls` joins their legs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from arirecord.analytics import connect

from .install import folder
from .recording import Recorded
from .trunks import KINDS, SERVERS, recorded_calls

pytestmark = pytest.mark.asterisk

A, B, C = SERVERS.values()


@dataclass
class Made:
    recorded: Mapping[str, Recorded]
    connection: duckdb.DuckDBPyConnection

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    target = tmp_path_factory.mktemp("trunks")
    yield Made(recorded_calls(folder(), target), connect(target))


def test_the_ways_of_the_calls(made: Made) -> None:
    """Each call of a trunk is a row; one that goes on is a second row of the same call."""
    ways = made.sql("SELECT hop, from_server, to_server, from_caller_number, to_exten, is_answered FROM trunk_calls")

    assert ways == [
        (1, A, B, "1001", "21002", True),
        (1, A, B, "1001", "21002", False),
        (1, A, B, "1001", "31003", True),
        (2, B, C, "1001", "31003", True),
        (1, B, A, "1002", "11001", True),
    ]
    assert made.sql("SELECT count(DISTINCT (origin_server, origin_call_id)) FROM trunk_calls") == [(4,)]
    assert made.sql(
        "SELECT count(DISTINCT (origin_server, origin_call_id)) FROM trunk_calls WHERE to_exten = '31003'"
    ) == [(1,)]


def test_the_legs_are_those_of_the_event_logs(made: Made) -> None:
    """Both legs of a row are in the channel event logs of their servers, one second and less apart."""
    for key, server in SERVERS.items():
        logged = {row["uniqueid"] for row in made.recorded[key].cel}
        for side in ("from", "to"):
            legs = made.sql(f"SELECT {side}_channel_id FROM trunk_calls WHERE {side}_server = '{server}'")
            assert {channel for (channel,) in legs} <= logged
    assert made.sql("SELECT bool_and(abs(epoch(to_started_at) - epoch(started_at)) < 1) FROM trunk_calls") == [(True,)]


def test_causes_of_both_sides(made: Made) -> None:
    """Busy at b is busy at a; the unknown number makes no call at b that a could be joined with."""
    causes = "SELECT hangup_cause, tech_cause, to_hangup_cause FROM trunk_calls WHERE NOT is_answered"

    assert made.sql(causes) == [(17, 486, 17)]
    assert made.sql("SELECT count(*) FROM calls WHERE dialled_exten = '29999'") == [(1,)]
    assert len(KINDS) == 5


def test_the_clocks_are_one(made: Made) -> None:
    """The servers share a clock: its difference is within the error that the row gives, of answered calls only."""
    rows = made.sql("SELECT is_answered, clock_offset_ms, clock_error_ms FROM trunk_calls")

    assert [offset is not None for _, offset, _ in rows] == [is_answered for is_answered, *_ in rows]
    assert all(abs(offset) <= error for _, offset, error in rows if offset is not None)
