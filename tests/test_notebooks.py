"""Every notebook runs, gives the outputs that are stored in it, and can be read where no script runs."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, PICTURE, PLOT, digest, executed, outputs_of

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])

pytestmark = pytest.mark.slow


@each_notebook
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_gives_its_outputs(path: Path) -> None:
    """If they differ for a good reason: `make notebooks`."""
    stored = nbformat.read(path, as_version=4)
    for output in outputs_of(stored):
        if PLOT in output.data:
            output.data.pop(PICTURE, None)  # drawn by `make notebooks`, not by the notebook
            output.metadata.pop(PICTURE, None)

    for now, then in zip(executed(path).cells, stored.cells, strict=True):
        assert now.get("outputs") == then.get("outputs"), f"{now.source}\n\nnow gives\n\n{_text(now)}"


@each_notebook
def test_a_plot_has_a_picture_of_it(path: Path) -> None:
    """Each stored plot has a PNG beside it that was drawn from that very plot."""
    for output in outputs_of(nbformat.read(path, as_version=4)):
        if PLOT in output.data:
            assert output.metadata.get(PICTURE) == {"drawn_from": digest(output.data[PLOT])}, "run `make notebooks`"
            assert output.data[PICTURE].startswith("iVBORw0KGgo"), "not a PNG"


@each_notebook
def test_a_picture_is_not_hidden_in_html(path: Path) -> None:
    """Code-hosting pages show HTML rather than a picture, and take drawings out of it: no output has both."""
    for output in outputs_of(nbformat.read(path, as_version=4)):
        assert "<svg" not in output.data.get("text/html", ""), "show it by IPython.display.SVG"


@each_notebook
def test_a_table_answers(path: Path) -> None:
    """Every table that is shown has rows, and no column of which nothing is known."""
    for output in outputs_of(nbformat.read(path, as_version=4)):
        html = output.data.get("text/html", "")
        if "shape: (" not in html:
            continue
        names = re.findall(r"<th>(.*?)</th>", html)
        rows = [re.findall(r"<td>(.*?)</td>", row) for row in html.partition("<tbody>")[2].split("</tr>")[:-1]]
        assert rows, f"an empty table of {names}"
        columns = zip(names, zip(*rows, strict=True), strict=True)
        assert [name for name, column in columns if {*column} == {"null"}] == [], "nothing is known of these"


def _text(cell: Any) -> str:
    return "\n".join(str(output.get("data", output)) for output in cell.get("outputs", []))
