"""Every benchmark runs, in sizes that measure nothing, and tells its figures on the page."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figure import Figure
from benchmarks.page import Measured, page
from benchmarks.run import PARTS, ROOT, Part

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_tells_its_figures(part: Part, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--tiny", "--only", part.name, "--output", tmp_path / "page.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    told = (tmp_path / "page.md").read_text("utf-8")

    assert done.returncode == 0, done.stderr[-2000:]
    assert f"## {part.title}" in told
    assert "Could not be measured" not in told
    assert all(
        figure.get("ours") or figure.get("skipped")
        for figure in json.loads((tmp_path / "page.json").read_text("utf-8"))[0]["figures"]
    )


def test_a_part_that_failed_is_said() -> None:
    failed = Measured(
        "capture", "2026-01-01", "a machine", ["benchmarks.capture 1"], failed=["`capture 1` ended with 1"]
    )
    told = page({"capture": "From a socket"}, {"capture": failed}, "")

    assert "**Could not be measured:** `capture 1` ended with 1" in told


@pytest.mark.parametrize(
    ("figure", "is_met"),
    [
        (Figure(what="rate", unit="events/s", ours=[30, 31, 90], theirs=[10, 10, 10], least_ratio=3), True),
        (Figure(what="rate", unit="events/s", ours=[29, 29, 90], theirs=[10, 10, 10], least_ratio=3), False),
        (Figure(what="time", unit="s", ours=[1.0], theirs=[10.0], least_ratio=10), True),
        (Figure(what="time", unit="s", ours=[1.1], theirs=[10.0], least_ratio=10), False),
        (Figure(what="size", unit="B", ours=[15.0], theirs=[10.0], most_ratio=1.5), True),
        (Figure(what="time", unit="s", ours=[1.5], theirs=[1.0], most_more=0.3), False),
        (Figure(what="memory", unit="MB", ours=[1.5]), None),
        (Figure(what="memory", unit="MB", most=3, skipped="no compiler"), None),
    ],
)
def test_whether_a_figure_is_met(figure: Figure, is_met: bool | None) -> None:
    assert figure.is_met is is_met
