"""Kinds of calls that a real exchange made (`tests/captures/exchange`): what the models say of each is true.

`tests/asterisk/test_exchange.py` makes them anew.
"""

import orjson
import pytest

from tests.asterisk.kinds.facts import FACTS, told
from tests.conftest import scenarios

from .conftest import Connections

SPANS = orjson.loads((scenarios()["exchange"] / "kinds.json").read_bytes())


@pytest.mark.parametrize("name", FACTS, scope="session")
def test_facts(name: str, connections: Connections) -> None:
    """Of each kind the models say what a person beside the telephones would say."""
    assert told(connections["exchange/all"], *SPANS[name]) == FACTS[name]
