"""Every notebook runs, and gives the outputs that are stored in it."""

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, executed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_gives_its_outputs(path: Path) -> None:
    """If they differ for a good reason: `make notebooks`."""
    stored = nbformat.read(path, as_version=4)

    for now, then in zip(executed(path).cells, stored.cells, strict=True):
        assert now.get("outputs") == then.get("outputs"), f"{now.source}\n\nnow gives\n\n{_text(now)}"


def _text(cell: Any) -> str:
    return "\n".join(str(output.get("data", output)) for output in cell.get("outputs", []))
