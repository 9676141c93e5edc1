"""Each damaged copy of a recording is caught by the rule meant for it, and the recording itself is not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from arirecord.check import run_rules
from arirecord.rules import read_rules
from arirecord.session.reader import open_session
from tests.conftest import Sessions

from .damages import DAMAGES, FILE_DAMAGES, Rows, read, write

SAMPLES = Path(__file__).parents[2] / "sample_data"
pytestmark = pytest.mark.slow


def caught(session: Path) -> dict[str, int]:
    """The number of violations of each default rule that fails."""
    results = run_rules(open_session(session), read_rules()).results
    return {result.rule.id: result.count for result in results if result.status == "failed"}


@pytest.fixture(scope="module")
def healthy(sessions: Sessions) -> Callable[[str], tuple[Path, dict[str, int]]]:
    """`healthy(name)`: a recording, and what the rules find in it."""
    known: dict[str, tuple[Path, dict[str, int]]] = {}

    def healthy(name: str) -> tuple[Path, dict[str, int]]:
        if name not in known:
            path = sessions[name] if "/" in name else SAMPLES / f"{name}.parquet"
            known[name] = path, caught(path)
        return known[name]

    return healthy


@pytest.mark.parametrize(("rule", "recording", "damage"), DAMAGES, ids=[rule for rule, *_ in DAMAGES])
def test_damaged_rows_are_caught(
    rule: str,
    recording: str,
    damage: Callable[[Rows], Rows],
    healthy: Callable[[str], tuple[Path, dict[str, int]]],
    tmp_path: Path,
) -> None:
    path, before = healthy(recording)

    found = caught(write(damage(read(path)), path, tmp_path / "damaged.parquet"))

    assert found.get(rule, 0) > before.get(rule, 0), f"{found}, before {before}"


@pytest.mark.parametrize(("rule", "damage"), FILE_DAMAGES, ids=[rule for rule, _ in FILE_DAMAGES])
def test_a_damaged_file_is_caught(
    rule: str, damage: Callable[[Path], object], healthy: Callable[[str], tuple[Path, dict[str, int]]], tmp_path: Path
) -> None:
    path, before = healthy("answered_bridge_talk/all")
    damaged = Path(shutil.copy(path, tmp_path / "damaged.parquet"))
    damage(damaged)

    assert caught(damaged).get(rule, 0) > before.get(rule, 0)


def test_a_copy_without_damage_is_as_the_recording(
    healthy: Callable[[str], tuple[Path, dict[str, int]]], tmp_path: Path
) -> None:
    """Otherwise the damages would not be what is caught."""
    path, before = healthy("answered_bridge_talk/all")

    assert caught(write(read(path), path, tmp_path / "copy.parquet")) == before
