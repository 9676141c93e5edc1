"""The catalogue of ARI's event types and models, and the columns that the flattening rule gives them.

The data is `catalogue.json`: `{"events": {type: {field: type}}, "models": {…}, "values": {"Model.field": […]}}`, with
a trailing `?` on what may be absent. Names and types are Asterisk's, releases 16 to 23, to which types and fields
were only ever added.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

__all__ = ["ENVELOPE", "Column", "ColumnType", "all_columns", "channel_columns", "columns_of", "event_types", "models"]

ColumnType = Literal["string", "int64", "double", "bool", "timestamp", "strings", "json"]

_SCALARS: dict[str, ColumnType] = {
    "string": "string",
    "int": "int64",
    "long": "int64",
    "double": "double",
    "boolean": "bool",
    "Date": "timestamp",
    "List[string]": "strings",
}

ENVELOPE = ("type", "application", "asterisk_id", "timestamp")
"""The fields that every event has (`ApplicationRegistered` has nothing else)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One flattened column: `name` is `path` joined by `_`; `model` is the ARI model that holds its last field (''
    for the event).
    """

    name: str
    path: tuple[str, ...]
    type: ColumnType
    model: str = ""


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(files(__package__).joinpath("catalogue.json").read_text("utf-8"))
    return data


def models() -> Mapping[str, Mapping[str, str]]:
    """Fields of every model by name: `{"CallerID": {"name": "string", "number": "string"}, …}`; `?` marks what may be
    absent.
    """
    result: Mapping[str, Mapping[str, str]] = _data()["models"]
    return result


@cache
def event_types() -> tuple[str, ...]:
    """Names of all catalogued event types, sorted."""
    return tuple(sorted({**_data()["events"], **_data()["messages"]}))


def fields_of(event_type: str) -> Mapping[str, str]:
    """Return the fields of one event type, without the envelope.

    Raises `KeyError` for a type that the catalogue does not know.
    """
    data = _data()
    result: Mapping[str, str] = data["events"].get(event_type) or data["messages"].get(event_type) or {}
    if not result and event_type not in data["events"]:
        raise KeyError(event_type)
    return result


@cache
def columns_of(event_type: str) -> tuple[Column, ...]:
    """Return the flattened columns of one event type in catalogue order, without the envelope.

    Raises `KeyError` for a type that the catalogue does not know.
    """
    return tuple(_flatten((), fields_of(event_type), ""))


def _flatten(path: tuple[str, ...], fields: Mapping[str, str], model: str) -> Iterator[Column]:
    for name, declared in fields.items():
        ari_type = declared.removesuffix("?")
        here = (*path, name)
        if ari_type in _SCALARS:
            yield Column("_".join(here), here, _SCALARS[ari_type], model)
        elif ari_type in models():
            yield from _flatten(here, models()[ari_type], ari_type)
        else:
            yield Column("_".join(here), here, "json", model)


@cache
def all_columns() -> Mapping[str, ColumnType]:
    """Type of every column that any event type has, sorted by name."""
    return dict(sorted((c.name, c.type) for t in event_types() for c in columns_of(t)))


@cache
def channel_columns(field: str) -> tuple[str, ...]:
    """Columns that hold `field` of any channel (`id`: `channel_id`, `peer_id`, `transferee_id` …), sorted."""
    return tuple(
        sorted({c.name for t in event_types() for c in columns_of(t) if c.model == "Channel" and c.path[-1] == field})
    )
