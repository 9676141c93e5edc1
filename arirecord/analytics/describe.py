"""The page of the metrics, made from the models' own descriptions.

    python -m arirecord.analytics.describe docs/metrics.md

writes the page's part between the two marks anew; all else on the page is written by hand.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from .connection import columns_of_models
from .models import Model, describe, load_models
from .parameters import parameters

__all__ = ["page", "section", "words"]

BEGIN = "<!-- from here: made by `make docs` from the models -->"
END = "<!-- to here -->"


def page(text: str) -> str:
    """A page with the part between its marks made anew.

    Raises `ValueError` where the page lacks the marks.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no lines {BEGIN} and {END}")
    marts = sorted((model for model in load_models() if model.layer == "marts"), key=lambda mart: mart.name)
    types = columns_of_models([mart.name for mart in marts])
    sections = [section(mart, types[mart.name]) for mart in marts]
    return "\n\n".join([head + BEGIN, _parameters(), _overview(marts), *sections, END + tail])


def section(mart: Model, types: dict[str, str]) -> str:
    """What the page says of one mart; `types` are its columns with DuckDB's names of their types."""
    meanings = describe(mart.name).columns
    rows = [f"| `{name}` | {kind} | {_cell(meanings[name])} |" for name, kind in types.items()]
    shown = ["", f"    arirecord {mart.name} session.parquet", ""]
    return "\n".join([f"## {mart.name}", *shown, *words(mart), "| column | type | meaning |", "|---|---|---|", *rows])


def words(mart: Model) -> list[str]:
    """What is said of a mart besides its columns, in lines of Markdown."""
    said = describe(mart.name)
    lines = [f"One row is {mart.row}. Identified by {', '.join(f'`{name}`' for name in said.key)}.", ""]
    if said.needs:
        lines += [f"Needs: {said.needs}", ""]
    if said.notes:
        lines += [*(f"* {note}" for note in said.notes), ""]
    if said.source:
        lines += [f"Source: {said.source}", ""]
    return lines


def _parameters() -> str:
    rows = [
        f"| `{name}` | {known.default} {known.unit} | {_cell(known.meaning)} |"
        for name, known in sorted(parameters().items())
    ]
    return "\n".join(["## Parameters", "", "| parameter | default | meaning |", "|---|---|---|", *rows])


def _overview(marts: Sequence[Model]) -> str:
    rows = [f"| [{mart.name}](#{mart.name}) | {_cell(mart.row)} |" for mart in marts]
    return "\n".join(["## Tables", "", "| table | a row |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page(target.read_text("utf-8")), "utf-8")
