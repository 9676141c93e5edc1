"""Names of a mart's columns, read from its SQL: to compute the mart without rows takes DuckDB 0.3 s.

The columns that the command line shows by default are `shown` in the JSON file beside the SQL.
"""

from collections.abc import Sequence

import duckdb
import orjson

from .models import load_models

__all__ = ["mart_columns"]


def mart_columns(mart: str) -> Sequence[str]:
    """Return the names of a mart's columns, in order. Raises `UnknownName` for an unknown mart."""
    model = load_models([mart])[-1]
    with duckdb.connect() as connection:
        ((parsed,),) = connection.execute("SELECT json_serialize_sql(?)", [model.sql]).fetchall()
    node = orjson.loads(parsed)["statements"][0]["node"]
    while node["type"] != "SELECT_NODE":
        node = node["children"][0]  # of a union: the first part names the columns
    names = [selected["alias"] or selected["column_names"][-1] for selected in node["select_list"]]
    return [*names, "server"] if model.is_of_server else names
