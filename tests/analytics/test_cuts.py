"""A part of a recording says what the whole says, or NULL: it may begin or end amid calls, or have a gap."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arirecord.session.reader import open_session

from .test_cases import given as session_of

COMPARED = {
    "calls": ("call_id", ["billsec", "talk_s", "hold_s", "wait_s"]),
    "legs": ("channel_id", ["ring_s", "up_s", "bridged_s", "holding_s"]),
    "channel_states": ("channel_id, started_at, channel_state", ["duration_s"]),
    "dial_attempts": ("peer_channel_id, caller_channel_id", ["ring_s", "duration_s"]),
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
@pytest.mark.parametrize("kind", ["begins late", "ends early", "has a gap"])
def test_right_or_null(name: str, kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a length of time can't be known from is missing, it is not told."""

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def cut(data: st.DataObject) -> None:
        every = frames(name)
        place = data.draw(st.integers(1, len(every) - 1))
        match kind:
            case "begins late":
                some = every[place:]
            case "ends early":
                some = every[:place]
            case _:
                some = [*every[:place], GAP, *every[data.draw(st.integers(place, min(place + 200, len(every)))) :]]
        part = session_of(some, tmp_path_factory.mktemp("part") / "session.parquet", *COMPARED)
        full = whole(name, tmp_path_factory.getbasetemp())
        for table in COMPARED:
            known = said(full, table)
            for key, values in said(part, table).items():
                wrong = [(a, b) for a, b in zip(values, known.get(key, []), strict=False) if a not in (None, b)]
                assert not wrong, (table, key, values, known[key])

    cut()
