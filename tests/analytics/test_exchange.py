"""Kinds of calls that a real exchange made (`tests/captures/exchange`): what the models say of each is true.

`tests/real_asterisk/test_exchange.py` makes them anew.
"""

import orjson
import pytest

from tests.conftest import scenarios
from tests.real_asterisk.kinds.facts import FACTS, told

from .conftest import Connections

SPANS = orjson.loads((scenarios()["exchange"] / "kinds.json").read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS, scope="session")
def test_facts(name: str, connections: Connections) -> None:
    """Of each kind the models say what a person beside the telephones would say."""
    assert told(connections["exchange/all"], *SPANS[name]) == FACTS[name]


@pytest.mark.parametrize(
    "name", ["local", "local_stays", "local_behind_local", "queue_local_members", "queue_ring_group"]
)
def test_talk_through_local_channels_counts_once(name: str, connections: Connections) -> None:
    """Where two people talk, conversations that are not relayed are as long as the call's talk, over many bridges."""
    question = """
        SELECT any_value(talk_s), sum(conversations.duration_s) FROM calls JOIN conversations USING (call_id)
        WHERE epoch(calls.started_at) BETWEEN ? AND ? AND NOT is_relayed"""
    told = connections["exchange/all"].execute(question, SPANS[name]).fetchone()

    assert told is not None and told[0] == pytest.approx(told[1], abs=0.003)
