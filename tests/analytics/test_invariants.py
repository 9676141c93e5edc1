"""What the descriptions of marts declare, and what must hold across columns, holds whatever was recorded."""

from functools import cache
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from arirecord.analytics import connect
from arirecord.session.reader import open_session
from tests.conftest import streams
from tests.examples import examples

from .conftest import Connections
from .invariants import violations
from .test_cases import record

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.mark.parametrize("stream", sorted(streams()), scope="session")
def test_of_a_recorded_stream(stream: str, connections: Connections) -> None:
    assert violations(connections[stream]) == []


@pytest.mark.parametrize("sample", ["failed_calls", "ivr_dtmf", "tapped_menu", "transfers", "week"])
def test_of_a_sample(sample: str) -> None:
    path = SAMPLES / sample
    assert violations(connect(path if path.is_dir() else path.with_suffix(".parquet"))) == []


@cache
def frames(name: str) -> list[str]:
    return [frame.raw for frame in open_session(SAMPLES / name).frames() if frame.kind == "event"]


@examples(4, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(["transfers.parquet", "talk_and_hold.parquet", "ivr_dtmf.parquet"]),
    begin_ratio=st.floats(0, 0.9),
    loss_ratio=st.sampled_from([0, 0.02, 0.2, 0.7]),
    double_ratio=st.sampled_from([0, 0.1, 1]),
    is_of_two=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_of_a_stream_cut_with_losses_doubles_and_two_servers(
    name: str,
    begin_ratio: float,
    loss_ratio: float,
    double_ratio: float,
    is_of_two: bool,
    seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    every, chance = frames(name), Random(seed)
    kept: list[str] = []
    for frame in every[int(begin_ratio * len(every)) :][:600]:
        if chance.random() >= loss_ratio:
            kept += [frame] * (1 + (chance.random() < double_ratio))
    if is_of_two:
        kept = shuffled(kept, chance)
    assert violations(connect(record(kept, tmp_path_factory.mktemp("fuzzed") / "session.parquet"))) == []


def shuffled(own: list[str], chance: Random) -> list[str]:
    """The frames with those of a second server that has the same ids, each server's in order."""
    others = [orjson.dumps({**orjson.loads(frame), "asterisk_id": "other"}).decode() for frame in own]
    takes = [True] * len(own) + [False] * len(others)
    chance.shuffle(takes)
    first, second = iter(own), iter(others)
    return [next(first if is_own else second) for is_own in takes]
