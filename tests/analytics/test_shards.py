"""Models computed on shards by call say what models of the whole recording say, row for row."""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from arirecord.analytics import connect
from arirecord.session.reader import open_session
from tests.conftest import streams

from .conftest import Connections
from .test_models import make

pytestmark = pytest.mark.slow

OF_CALLS = (
    "bridge_stays", "calls", "channel_states", "channels", "conversations", "dial_attempts", "hangups", "holds", "legs",
    "links", "queue_calls", "transfers",
)  # fmt: skip
"""Marts that are about calls: a row of them is made of the events of one call."""
BUSY = (
    "answered_bridge_talk",
    "attended_transfer",
    "blind_transfer",
    "busy_noanswer_cancel",
    "hold_unhold",
    "mixed_load",
)


@pytest.mark.parametrize(
    "stream", sorted(name for name in streams() if name.endswith("/all") and any(s in name for s in BUSY))
)
def test_shards_are_the_whole(stream: str, connections: Connections, tmp_path: Path) -> None:
    """Calls dealt to three shards at random, each computed alone: together these are the rows of the whole."""
    con = connections[stream]
    shard_of = deal(con, 3, random.Random(stream))
    shards: list[list[str]] = [[], [], []]
    for frame in open_session(connections.sessions[stream]).frames():
        shards[next((shard_of[i] for i in channel_ids(orjson.loads(frame.raw)) if i in shard_of), 0)].append(frame.raw)
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for number, frames in enumerate(shards):
        alone = connect(make(tmp_path / f"{number}.parquet", frames), models=OF_CALLS)
        for mart in OF_CALLS:
            rows[mart] += contents(alone, mart)
    for mart in OF_CALLS:
        assert sorted(rows[mart], key=repr) == sorted(contents(con, mart), key=repr), mart


def deal(con: duckdb.DuckDBPyConnection, count: int, chance: random.Random) -> dict[str, int]:
    """A shard for each channel. Calls that a transfer ties though their linkedids differ go together."""
    above = {call: call for (call,) in con.execute("SELECT DISTINCT call_id FROM legs").fetchall()}

    def top(call: str) -> str:
        while above[call] != call:
            call = above[call]
        return call

    for one, other in con.execute(
        "SELECT DISTINCT one.call_id, two.call_id FROM links JOIN legs AS one USING (channel_id) "
        "JOIN legs AS two ON two.channel_id = other_channel_id"
    ).fetchall():
        above[top(one)] = top(other)
    shards = {call: chance.randrange(count) for call in sorted(above)}
    return {i: shards[top(call)] for i, call in con.execute("SELECT channel_id, call_id FROM legs").fetchall()}


def channel_ids(event: dict[str, Any]) -> list[str]:
    """Ids of the channels that an event names, whom it is about first."""
    names = ("channel", "peer", "caller", "forwarded", "transferer_first_leg", "transferee")
    found = [event[name]["id"] for name in names if isinstance(event.get(name), dict)]
    bridge = event.get("bridge")
    return found + (bridge["channels"] if isinstance(bridge, dict) else [])


def contents(con: duckdb.DuckDBPyConnection, mart: str) -> list[tuple[Any, ...]]:
    """All rows, but for the places in the recording, which are others in a shard."""
    return con.execute(f"SELECT COLUMNS(lambda c: c NOT LIKE '%seq') FROM {mart}").fetchall()
