"""Parameters of the models: limits that users can set, with their defaults (`models/parameters.json`)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import duckdb

from arirecord.select.zones import zone_name
from arirecord.suggest import unknown_name

from .views import text

__all__ = ["Parameter", "parameter_macros", "parameters", "set_statement", "setting"]


_MOST = 1e9


@dataclass(frozen=True)
class Parameter:
    """A limit that models use: its `default` (a number or a text), its `unit` and its `meaning`.

    `choices` are the texts that it can be; any if empty.
    """

    default: float | str
    unit: str
    meaning: str
    choices: Sequence[str] = ()


@cache
def parameters() -> Mapping[str, Parameter]:
    """Return all parameters by name."""
    declared = json.loads(files(__package__).joinpath("models", "parameters.json").read_text("utf-8"))
    return {name: Parameter(**of_name) for name, of_name in declared.items()}


def parameter_macros() -> Iterator[str]:
    """Return the statements that create `param(name)` and, for texts, `param_text(name)`.

    Their value is the DuckDB variable, otherwise the default. DuckDB reports an unknown name when the macro is used.
    """
    for macro, kind in (("param", "DOUBLE"), ("param_text", "VARCHAR")):
        cases = " ".join(
            f"WHEN {text(name)} THEN {_literal(known.default)}::{kind}"
            for name, known in parameters().items()
            if isinstance(known.default, str) == (kind == "VARCHAR")
        )
        default = f"CASE name {cases} ELSE error('No parameter is named ' || name) END"
        yield f"CREATE MACRO {macro}(name) AS COALESCE(CAST(getvariable(name) AS {kind}), {default})"


def set_statement(name: str, value: str | float) -> str:
    """Return the statement that sets a parameter.

    Raises `UnknownName` for an unknown name and `ValueError` for a value that the parameter cannot have: numbers are
    from 0 to a billion.
    """
    known = parameters().get(name)
    if known is None:
        raise unknown_name("No parameter is named", name, sorted(parameters()))
    if name == "timezone":
        value = zone_name(str(value))
    if known.choices and value not in known.choices:
        raise ValueError(f"{name} is {' or '.join(known.choices)}, not {value!r}")
    if isinstance(known.default, str):
        return f"SET VARIABLE {name} = {text(str(value))}"
    with suppress(ValueError):
        if 0 <= (number := float(value)) <= _MOST:
            return f"SET VARIABLE {name} = {number}::DOUBLE"
    raise ValueError(f"{name} is a number{f' of {known.unit}' if known.unit else ''} from 0 on, not {value!r}")


@contextmanager
def setting(connection: duckdb.DuckDBPyConnection, values: Mapping[str, str | float]) -> Iterator[None]:
    """Set parameters while the block runs.

    Raises `UnknownName` and `ValueError` as `set_statement` does, before any parameter is set.
    """
    statements = [set_statement(name, value) for name, value in values.items()]
    before = [connection.execute("SELECT getvariable(?)", [name]).fetchall()[0][0] for name in values]
    for statement in statements:
        connection.execute(statement)
    try:
        yield
    finally:
        for name, value in zip(values, before, strict=True):
            connection.execute(f"RESET VARIABLE {name}" if value is None else set_statement(name, value))


def _literal(value: float | str) -> str:
    return text(value) if isinstance(value, str) else str(value)
