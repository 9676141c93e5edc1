"""What a replay says is up equals what a real Asterisk said at that moment."""

from collections import Counter
from pathlib import Path

import httpx2
import pytest

from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer

from .probes import Probe, comparable, probes
from .support import run

UP = ("channels", "bridges", "endpoints", "deviceStates", "playbacks", "recordings")
PROBED = Path(__file__).parent / "recordings" / "probed.parquet"
AROUND_NS = 10_000_000


def test_the_state_is_what_asterisk_said() -> None:
    """At every instant at which somebody asked."""
    check_state(PROBED, AROUND_NS)


@pytest.mark.slow
def test_it_is_served_so() -> None:
    """Over HTTP, by a replay that starts there; asked at instants around which nothing changed."""
    asked = probes(PROBED, AROUND_NS)
    steady = [probe for probe in asked if len(probe.said) == 1 and probe.match.operation.resource in UP]
    assert len(steady) > 50

    async def main() -> None:
        for probe in steady[:: len(steady) // 8]:
            options = ReplayOptions(port=0, start_ns=probe.exchange.t_ns, start_paused=True)
            async with ReplayServer(PROBED, options) as server, httpx2.AsyncClient(trust_env=False) as http:
                answer = await http.get(server.http_url + probe.exchange.uri)
                assert (answer.status_code, comparable(answer.json())) == probe.truth, probe.exchange.uri

    run(main())


def check_state(path: Path, around_ns: int) -> None:
    """Every question has the answer that Asterisk gave, and there were questions of all kinds, about things that came
    and went.
    """
    asked = probes(path, around_ns)
    wrong = [(probe.exchange.uri, probe.truth, probe.said) for probe in asked if not probe.is_equal]
    assert wrong == []

    kinds = Counter(_kind(probe) for probe in asked)
    assert len(kinds) >= 14 and kinds.total() > 200, kinds
    for kind in (
        "channels list",
        "bridges list",
        "endpoints list",
        "endpoints get",
        "channels get",
        "applications get",
    ):
        answers = {repr(probe.truth) for probe in asked if kind == _kind(probe)}
        assert len(answers) > 2, kind


def _kind(probe: Probe) -> str:
    return f"{probe.match.operation.resource} {probe.match.operation.name}"
