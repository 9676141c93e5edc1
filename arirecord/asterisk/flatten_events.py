"""Convert ARI frames to typed columns: exactly, one frame at a time, for any text.

No value changes on its way into a column: it fits, or the column stays null and `extra` has it. Differences from
the catalogue are drift, with a name. No text raises an error.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from .catalogue import ENVELOPE, Column, ColumnType, columns_of, event_types
from .timestamps import parse_timestamp

__all__ = ["Flat", "flatten", "flatten_as"]

_INT64 = range(-(2**63), 2**63)
_MAX_DIGITS = 4000  # below CPython's own limit for turning text into int


@dataclass(slots=True)
class Flat:
    """The result of `flatten` for one frame.

    `columns` maps column names to values: str, int, float, bool, list of str, JSON text; timestamps as int
    milliseconds since 1970 UTC. `extra` is JSON text or None. `drift` lists `(what, where)`.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    extra: str | None = None
    drift: list[tuple[str, str]] = field(default_factory=list)


def flatten(raw: str) -> Flat:
    """Return columns, extra and drift of one frame. Never raises."""
    return _flatten(raw, _flatten_event)


def flatten_as(raw: str, columns: Mapping[str, ColumnType], where: str) -> Flat:
    """Flatten a flat object with a `type` and these columns; `where` names it in drift. Never raises."""
    plan = {"type": _Leaf("type", _fit_string)} | {
        name: _Leaf(name, _FIT[column_type]) for name, column_type in columns.items()
    }

    def flatten_own(value: dict[str, Any], flat: Flat) -> None:
        if extra := _walk(value, plan, flat, where, note_unknown=True):
            flat.extra = _dump(extra)

    return _flatten(raw, flatten_own)


def _flatten(raw: str, flatten_object: Callable[[dict[str, Any], Flat], None]) -> Flat:
    flat = Flat()
    try:
        value = _decode(raw, flat)
        if isinstance(value, dict):
            flatten_object(value, flat)
        else:
            flat.drift.append(("not an object", type(value).__name__))
    except (ValueError, RecursionError):
        # Also for frames that are nested too deeply: they have only their raw text.
        return Flat(drift=[("not JSON", "")])
    return flat


def _flatten_event(event: dict[str, Any], flat: Flat) -> None:
    event_type = event.get("type")
    where = event_type if isinstance(event_type, str) else ""
    is_known = where in event_types()
    plan = _plan(where if is_known else None)
    if not is_known:
        flat.drift.append(("unknown type", where))
    if extra := _walk(event, plan, flat, where, is_known):
        flat.extra = _dump(extra)


@dataclass(frozen=True, slots=True)
class _Leaf:
    name: str
    fit: Callable[[Any], tuple[Any, str]]


_Plan = Mapping[str, "_Leaf | _Plan"]


@cache
def _plan(event_type: str | None) -> _Plan:
    """Nested dict of an event's fields; None stands for a type that the catalogue does not know: envelope only."""
    plan: dict[str, Any] = {}
    envelope = [Column(name, (name,), "timestamp" if name == "timestamp" else "string") for name in ENVELOPE]
    for column in (*envelope, *(columns_of(event_type) if event_type is not None else ())):
        node = plan
        for part in column.path[:-1]:
            node = node.setdefault(part, {})
        node[column.path[-1]] = _Leaf(column.name, _FIT[column.type])
    return plan


def _walk(event: dict[str, Any], plan: _Plan, flat: Flat, where: str, note_unknown: bool) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    for key, value in event.items():
        spec = plan.get(key)
        if spec is None:
            extra[key] = value
            if note_unknown:
                flat.drift.append(("unknown field", f"{where}.{key}"))
        elif value is None:
            continue
        elif isinstance(spec, _Leaf):
            fitting, trouble = spec.fit(value)
            if fitting is not None:
                flat.columns[spec.name] = fitting
            if trouble:
                extra[key] = value
                flat.drift.append((trouble, f"{where}.{key}"))
        elif isinstance(value, dict):
            if inner := _walk(value, spec, flat, f"{where}.{key}", note_unknown):
                extra[key] = inner
        else:
            extra[key] = value
            flat.drift.append(("other type", f"{where}.{key}"))
    return extra


# How a value fits a column: (the value for the column or None, the kind of drift or '').


def _fit_string(value: Any) -> tuple[Any, str]:
    if type(value) is not str:
        return None, "other type"
    return (value, "") if _is_utf8(value) else (None, "inexact")


def _fit_int(value: Any) -> tuple[Any, str]:
    if isinstance(value, _Digits) and value.is_integer:
        return None, "inexact"
    return (value, "") if type(value) is int else (None, "other type")


def _fit_double(value: Any) -> tuple[Any, str]:
    if type(value) is float:
        return value, ""
    if type(value) is int and int(float(value)) == value:
        return float(value), ""
    return None, "inexact" if isinstance(value, _Digits | int) and type(value) is not bool else "other type"


def _fit_bool(value: Any) -> tuple[Any, str]:
    return (value, "") if type(value) is bool else (None, "other type")


def _fit_timestamp(value: Any) -> tuple[Any, str]:
    parsed = parse_timestamp(value) if type(value) is str else None
    if parsed is None:
        return None, "other type"
    return parsed[0], "" if parsed[1] else "inexact"


def _fit_strings(value: Any) -> tuple[Any, str]:
    if type(value) is not list or not all(type(item) is str for item in value):
        return None, "other type"
    return (value, "") if all(map(_is_utf8, value)) else (None, "inexact")


def _fit_json(value: Any) -> tuple[Any, str]:
    return (_dump(value), "") if isinstance(value, dict | list) else (None, "other type")


_FIT: dict[ColumnType, Callable[[Any], tuple[Any, str]]] = {
    "string": _fit_string,
    "int64": _fit_int,
    "double": _fit_double,
    "bool": _fit_bool,
    "timestamp": _fit_timestamp,
    "strings": _fit_strings,
    "json": _fit_json,
}


class _Digits(str):
    """A number that does not fit into 64 bits; JSON text keeps its digits as a string."""

    __slots__ = ()

    @property
    def is_integer(self) -> bool:
        return self.lstrip("-").isdigit()


def _decode(raw: str, flat: Flat) -> Any:
    """Return the JSON value of `raw` without any change. Raises `ValueError` if it is not JSON."""
    try:
        value = orjson.loads(raw)
        if orjson.dumps(value) == raw.encode():
            return value  # writing it gives the same bytes: reading lost nothing
    except (ValueError, TypeError):  # more than 64 bits, a surrogate, not canonical or not JSON: read it with care
        pass

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) < len(items):
            count = Counter(key for key, _ in items)
            flat.drift.extend(("duplicate key", key) for key in count if count[key] > 1)
        return result

    return json.loads(raw, object_pairs_hook=pairs, parse_int=_int, parse_float=_float, parse_constant=_no_constant)


def _int(text: str) -> int | _Digits:
    return value if len(text) < _MAX_DIGITS and (value := int(text)) in _INT64 else _Digits(text)


def _float(text: str) -> float | _Digits:
    value = float(text)
    return value if math.isfinite(value) and Decimal(repr(value)) == Decimal(text) else _Digits(text)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _dump(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str).decode()
    except TypeError:  # a lone surrogate, or deeper than orjson goes: escapes keep it
        return json.dumps(value, separators=(",", ":"))
