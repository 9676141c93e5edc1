"""The SQL models: one file each, one SELECT, layered `staging` → `intermediate` → `views`, `macros` → `marts`.

A file begins with a comment that defines a row; its name is the model's name. Intermediate models are computed once for
a connection, all others with each query: only these read parameters. Macros are table macros of two arguments, `bucket`
(an INTERVAL) and `"by"` (a text); a mart that reads one is a macro as well as a view. No CTE has the name of a model.
Each mart has a `.json` with its description beside its `.sql`.

Models are about one Asterisk server; a mart that names the column `server` reads the marts of all servers. Staging
models make keys of the ids of channels and bridges, one for each life of an id, take times of receipt where Asterisk's
are missing, and are the only ones that read views of events. The connection gives marts the column `server` and the ids
back.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from arirecord.suggest import unknown_name

__all__ = ["LAYERS", "Description", "Model", "describe", "load_models", "mart_names", "model_names", "words"]

_ADVICE = "`arirecord models` lists the models."

LAYERS = ("staging", "intermediate", "views", "macros", "marts")


@dataclass(frozen=True)
class Model:
    """One model: `name`, `layer`, `about` (its leading comment), `sql` (one SELECT) and the models that it `reads`.

    `is_macro` is true for a macro and for a mart that reads one: it takes `bucket` and `by`. `is_across` is true for a
    mart that reads the marts of all servers: it names their column `server`, which no model of one server has.
    """

    name: str
    layer: str
    about: str
    sql: str
    reads: frozenset[str]
    is_macro: bool
    is_across: bool = False

    @property
    def is_of_server(self) -> bool:
        """Whether it is computed for each server alone; a mart then has the column `server`."""
        return not self.is_macro and not self.is_across

    @property
    def row(self) -> str:
        """The definition of a row, from the first sentence: `one call: the channels that …`."""
        return self.about.partition(". ")[0].rstrip(".").removeprefix("One row is ")


def load_models(names: Collection[str] | None = None) -> Sequence[Model]:
    """Return the named models (None: all) and those that they read, each after the models that it reads.

    Raises `UnknownName` for an unknown model and `ValueError` if models read each other in a circle.
    """
    ordered: dict[str, Model] = {}

    def place(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"models read from each other: {' → '.join((*above, name))}")
        if name not in ordered:
            if name not in model_names():
                raise unknown_name("No model is named", name, sorted(model_names()), _ADVICE)
            model = _read_models()[name]
            for other in sorted(model.reads):
                place(other, (*above, name))
            ordered[name] = model

    for name in sorted(model_names() if names is None else names):
        place(name, ())
    return tuple(ordered.values())


def model_names() -> Set[str]:
    """Return the names of all models, without reading their files."""
    return _files().keys()


def mart_names() -> Sequence[str]:
    """Return the names of all marts, sorted."""
    return sorted(name for name, (layer, _) in _files().items() if layer == "marts")


@dataclass(frozen=True)
class Description:
    """Description of a mart, from `marts/<name>.json`.

    key: columns that identify a row.
    shown: the 6 to 9 columns shown on a terminal, the most important first.
    columns: meaning of each column. Units are in the columns' names.
    needs: what a recording must contain for the mart.
    notes: more about the mart, in Markdown.
    source: source of its definitions.
    not_null: columns that have a value in every row.
    accepted_values: values that a column can have, besides NULL.
    relationships: `mart.column` of the same server that has each value of a column, besides NULL.
    """

    key: Sequence[str]
    shown: Sequence[str]
    columns: Mapping[str, str]
    needs: str = ""
    notes: Sequence[str] = ()
    source: str = ""
    not_null: Sequence[str] = ()
    accepted_values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    relationships: Mapping[str, str] = field(default_factory=dict)


@cache
def describe(mart: str) -> Description:
    """Return the description of a mart; columns that several marts share are described once, in `common.json`.

    Each mart has the column `server`, except those that are about all servers.

    Raises `FileNotFoundError` for an unknown mart.
    """
    folder = files(__package__)
    common = json.loads(folder.joinpath("common.json").read_text("utf-8"))
    sidecar = json.loads(folder.joinpath("marts", f"{mart}.json").read_text("utf-8"))
    key = [*(["server"] if _read_models()[mart].is_of_server else []), *sidecar["key"]]
    return Description(**{**sidecar, "key": key, "columns": {**common, **sidecar["columns"]}})


@cache
def _files() -> Mapping[str, tuple[str, Traversable]]:
    """Return the layer and the file of each model."""
    return {
        file.name.removesuffix(".sql"): (layer, file)
        for layer in LAYERS
        for file in files(__package__).joinpath(layer).iterdir()
        if file.name.endswith(".sql")
    }


@cache
def _read_models() -> Mapping[str, Model]:
    layers = {name: layer for name, (layer, _) in _files().items()}
    return {name: _parse(name, file.read_text("utf-8"), layers) for name, (_, file) in _files().items()}


def _parse(name: str, text: str, layers: Mapping[str, str]) -> Model:
    comment = re.match(r"(?:--.*\n)*", text)
    about = " ".join(line[2:].strip() for line in comment[0].splitlines()) if comment else ""
    sql = re.sub(r"--.*", "", text)
    mentioned = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", sql, re.IGNORECASE)
    reads = frozenset(mentioned) & layers.keys()
    is_macro = "macros" in {layers[name], *(layers[other] for other in reads)}
    is_across = layers[name] == "marts" and not is_macro and re.search(r"\bserver\b", sql) is not None
    return Model(name, layers[name], about, text.strip().rstrip(";"), reads, is_macro, is_across)


def words(mart: Model) -> list[str]:
    """Describe a mart in lines of Markdown: its row, its key, what it needs, notes and sources."""
    description = describe(mart.name)
    lines = [f"One row is {mart.row}. Identified by {', '.join(f'`{name}`' for name in description.key)}.", ""]
    lines += [f"Shown on a terminal: {', '.join(f'`{name}`' for name in description.shown)}.", ""]
    if description.needs:
        lines += [f"Needs: {description.needs}", ""]
    if description.notes:
        lines += [*(f"* {note}" for note in description.notes), ""]
    if description.source:
        lines += [f"Source: {description.source}", ""]
    return lines
