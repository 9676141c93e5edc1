"""Run the notebooks: `make notebooks` stores their outputs with a picture of each plot; the tests compare with them.

A stored plot is data for Plotly, which only Jupyter draws. Beside it is a PNG of the same plot, drawn by Chromium, for
viewers that run no script: code-hosting pages, nbconvert, editors.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
from nbclient import NotebookClient

__all__ = ["NOTEBOOKS", "PICTURE", "PLOT", "digest", "executed", "outputs_of"]

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PLOT, PICTURE = "application/vnd.plotly.v1+json", "image/png"
WIDTH, HEIGHT = 900, 400
DRAW = """
async ([figure, width, height]) => {
    const size = {width: width, height: figure.layout.height || height};
    return await Plotly.toImage({data: figure.data, layout: {...figure.layout, ...size}}, {format: "png", ...size});
}
"""


def executed(path: Path) -> Any:
    """The notebook with the outputs it gives now, without pictures. Raises where a cell does."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    with patch.dict(os.environ, {"PLOTLY_RENDERER": "plotly_mimetype"}):  # else each plot holds all of Plotly, 5 MB
        client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day
    notebook.metadata.pop("language_info", None)  # the version of whoever ran it
    return notebook


def outputs_of(notebook: Any) -> Iterator[Any]:
    """The rich outputs of all cells."""
    for cell in notebook.cells:
        yield from (output for output in cell.get("outputs", ()) if "data" in output)


def digest(plot: Any) -> str:
    """What a picture's metadata says of the plot that it was drawn from."""
    return sha256(json.dumps(plot, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def browser_page() -> Iterator[Any]:
    """A page in Chromium that knows Plotly."""
    from playwright.sync_api import sync_playwright
    from plotly.offline import get_plotlyjs

    from tests.report.browser import CHROMIUM

    if CHROMIUM is None:
        sys.exit("Plots are drawn by Chromium, which is not installed. On Debian: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_script_tag(content=get_plotlyjs())
        yield page
        browser.close()


def add_pictures(notebook: Any, page: Any) -> None:
    """Put a picture beside each plot."""
    for output in outputs_of(notebook):
        if plot := output.data.get(PLOT):
            address = page.evaluate(DRAW, [plot, WIDTH, HEIGHT])
            output.data[PICTURE] = address.partition("base64,")[2]
            output.metadata[PICTURE] = {"drawn_from": digest(plot)}


def main(names: list[str]) -> None:
    """Run all notebooks, or those whose names begin so."""
    with browser_page() as page:
        for path in NOTEBOOKS:
            if not names or path.name.startswith(tuple(names)):
                notebook = executed(path)
                add_pictures(notebook, page)
                nbformat.write(notebook, path)
                print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
