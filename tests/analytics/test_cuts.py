"""A part of a recording says what the whole says, or NULL: it may begin or end amid calls, or have a gap."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from arirecord.analytics import connect
from arirecord.session.reader import open_session
from tests.examples import examples

from .test_cases import given as session_of
from .test_cases import record

pytestmark = pytest.mark.slow

COMPARED = {
    "calls": ("call_id", ["billsec", "talk_s", "hold_s", "wait_s"]),
    "legs": ("channel_id", ["ring_s", "up_s", "bridged_s", "holding_s"]),
    "bridge_stays": ("channel_id, bridge_id, entered_at", ["duration_s"]),
    "conversations": ("bridge_id, started_at", ["duration_s"]),
    "app_visits": ("channel_id, application, entered_at", ["visit_s"]),
    "holds": ("channel_id, started_at", ["hold_s"]),
    "talk": ("channel_id", ["talk_s", "spoken_s", "longest_spoken_s", "crosstalk_s", "silence_s"]),
    "channel_states": ("channel_id, started_at, channel_state", ["duration_s"]),
    "dial_attempts": ("peer_channel_id, caller_channel_id", ["pdd_s", "ring_s", "duration_s"]),
}
SAMPLES = Path(__file__).parents[2] / "sample_data"
GAP = json.dumps({"type": "gap", "connection_lost_since": "2026-11-23T23:00:10.000+0000"})


@cache
def frames(name: str) -> list[str]:
    return [frame.raw for frame in open_session(SAMPLES / name).frames()]


@cache
def whole(name: str, folder: Path) -> duckdb.DuckDBPyConnection:
    return session_of(frames(name), folder / f"{name}.parquet", *COMPARED)


def said(con: duckdb.DuckDBPyConnection, table: str) -> dict[Any, list[Any]]:
    key, columns = COMPARED[table]
    rows = con.execute(f"SELECT ({key}), [{', '.join(columns)}] FROM {table}").fetchall()
    return {repr(key): values for key, values in rows}


@pytest.mark.parametrize("name", ["transfers.parquet", "talk_and_hold.parquet"])
@pytest.mark.parametrize("kind", ["begins late", "ends early", "has a gap", "is stopped and started again"])
@examples(8, suppress_health_check=list(HealthCheck))
# Of talk_and_hold these hide when a telephone rang, that a channel left a bridge, that it left an application, the end
# of a hold, and speech. Of transfers the last hides that a channel entered a bridge before it was answered.
@example(place=171, hidden=14)
@example(place=117, hidden=1)
@example(place=114, hidden=40)
@example(place=883, hidden=1)
@example(place=443, hidden=1)
@example(place=2311, hidden=0)
@given(place=st.integers(0, 10_000), hidden=st.integers(0, 200))
def test_right_or_null(name: str, kind: str, place: int, hidden: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A duration that the recording does not show is NULL."""
    every, folder = frames(name), tmp_path_factory.mktemp("part")
    place = 1 + place % (len(every) - 1)
    match kind:
        case "begins late":
            some = every[place:]
        case "ends early":
            some = every[:place]
        case "is stopped and started again":
            some, again = every[:place], min(place + hidden, len(every) - 1)
            record(every[again:], folder / "2.parquet", start_ms=again)
        case _:
            some = [*every[:place], GAP, *every[place + hidden :]]
    record(some, folder / "1.parquet")
    part = connect(folder, models=list(COMPARED))
    full = whole(name, tmp_path_factory.getbasetemp())
    for table in COMPARED:
        known = said(full, table)
        for key, values in said(part, table).items():
            wrong = [(a, b) for a, b in zip(values, known.get(key, []), strict=False) if a not in (None, b)]
            assert not wrong, (table, key, values, known[key])
