"""Every notebook runs, and gives the outputs that are stored in it."""

from pathlib import Path

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, executed, outputs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_gives_its_outputs(path: Path) -> None:
    """If they differ for a good reason: `make notebooks`."""
    stored = nbformat.read(path, as_version=4)

    assert outputs(executed(path)) == outputs(stored)
