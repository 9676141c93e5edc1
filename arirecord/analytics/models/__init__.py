"""The SQL models: one file each, one SELECT, layered `staging` → `intermediate` → `marts`.

A file begins with comment lines that say what a row is; its name is the view's name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["LAYERS", "Model", "load_models"]

LAYERS = ("staging", "intermediate", "marts")


@dataclass(frozen=True)
class Model:
    """One model: `name` of its view, `layer`, `about` (its leading comment) and `sql`, one SELECT."""

    name: str
    layer: str
    about: str
    sql: str


@cache
def load_models() -> Sequence[Model]:
    """All models, each after those it reads from. Raises `ValueError` where models read from each other in a circle."""
    found: dict[str, Model] = {}
    for layer in LAYERS:
        for file in files(__package__).joinpath(layer).iterdir():
            if file.name.endswith(".sql"):
                name = file.name.removesuffix(".sql")
                text = file.read_text("utf-8")
                about = " ".join(line[2:].strip() for line in re.findall(r"\A((?:--.*\n)+)", text)[0].splitlines())
                found[name] = Model(name, layer, about, text.strip().rstrip(";"))
    ordered: dict[str, Model] = {}

    def place(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"models read from each other: {' → '.join((*above, name))}")
        if name not in ordered:
            body = re.sub(r"--.*", "", found[name].sql)
            for other in sorted(found):
                if other != name and re.search(rf"\b(?:FROM|JOIN)\s+{other}\b", body, re.IGNORECASE):
                    place(other, (*above, name))
            ordered[name] = found[name]

    for name in sorted(found):
        place(name, ())
    return tuple(ordered.values())
