"""What a reader may set: the limits that models measure against, with their defaults (`models/parameters.json`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from .views import text

__all__ = ["Parameter", "parameter_macro", "parameters", "set_statement"]


@dataclass(frozen=True)
class Parameter:
    """A limit that models measure against: its `default`, its `unit` and what it means."""

    default: float
    unit: str
    meaning: str


@cache
def parameters() -> Mapping[str, Parameter]:
    """All parameters by name."""
    said = json.loads(files(__package__).joinpath("models", "parameters.json").read_text("utf-8"))
    return {name: Parameter(**of_name) for name, of_name in said.items()}


def parameter_macro() -> str:
    """The statement that makes the macro `param(name)`: the DuckDB variable of that name, else the default.

    A name that is none is an error of DuckDB's when the macro is used.
    """
    cases = " ".join(f"WHEN {text(name)} THEN {known.default}::DOUBLE" for name, known in parameters().items())
    wrong = "error('no parameter is named ' || name)"
    return (
        f"CREATE MACRO param(name) AS COALESCE(CAST(getvariable(name) AS DOUBLE), CASE name {cases} ELSE {wrong} END)"
    )


def set_statement(name: str, value: float) -> str:
    """The statement that sets a parameter.

    Raises `ValueError`, naming all, for a name that is none.
    """
    if name not in parameters():
        raise ValueError(f"no parameter is named {name!r}; there are {', '.join(sorted(parameters()))}")
    return f"SET VARIABLE {name} = {float(value)}"
