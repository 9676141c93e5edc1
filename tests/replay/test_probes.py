"""What a replay says is up equals what a real Asterisk said at that moment."""

from collections import Counter
from pathlib import Path

from .probes import Probe, probes

PROBED = Path(__file__).parent / "recordings" / "probed.parquet"


def test_the_state_is_what_asterisk_said() -> None:
    """At every instant at which somebody asked."""
    check_state(PROBED)


def check_state(path: Path) -> None:
    """Every question has the answer that Asterisk gave, and there were questions of all kinds, about things that came
    and went.
    """
    asked = probes(path)
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
