"""Rows as an Arrow table: the columns of a session.

Two ways give the same values. The quick one parses all frames of a type at once with `pyarrow.json` and an explicit
schema; it refuses whatever the catalogue does not foresee. What it refuses is halved until the odd frames are alone,
and these go the exact way, `ari.flatten`.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from arirecord.ari.catalogue import (
    ENVELOPE,
    ColumnType,
    all_columns,
    columns_of,
    event_types,
    fields_of,
    models,
)
from arirecord.ari.flatten import Flat, flatten, flatten_as

from .header import Drift
from .rows import OWN_COLUMNS, Row

__all__ = ["ARROW", "LEADING", "UnforeseenColumns", "rows_to_table", "session_schema"]

_STRINGS = pa.list_(pa.field("item", pa.string()))
_MS = pa.timestamp("ms")
ARROW: Mapping[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": _MS,
    "strings": _STRINGS,
    "json": pa.string(),
}
LEADING = pa.schema(
    [
        ("seq", pa.int64()),
        ("received_at", pa.timestamp("us")),
        ("elapsed_ns", pa.int64()),
        ("kind", pa.string()),
        ("type", pa.string()),
        ("application", pa.string()),
        ("asterisk_id", pa.string()),
        ("timestamp", _MS),
    ]
)
_SMALL = 32
"""Below so many frames halving costs more than reading each the exact way."""


class UnforeseenColumns(Exception):
    """Rows hold event types or kinds that the schema was not made for: make it again with `names` added."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(names)
        self.names = names


def session_schema(names: Iterable[str]) -> pa.Schema:
    """Schema of a session in which these event types, and kinds of other rows, occur. Unknown names are passed over."""
    columns: dict[str, pa.DataType] = {}
    for name in names:
        if name in event_types():
            columns.update((column.name, ARROW[column.type]) for column in columns_of(name))
        for column, kind in OWN_COLUMNS.get(name, {}).items():
            columns[column] = ARROW[kind]
    flattened = [pa.field(name, kind) for name, kind in sorted(columns.items())]
    return pa.schema([*LEADING, *flattened, pa.field("extra", pa.string()), pa.field("raw", pa.string())])


def rows_to_table(rows: Sequence[Row], schema: pa.Schema, drift: Drift) -> pa.Table:
    """The rows, in order, with the columns of `schema`; drift is counted in `drift`.

    Raises `UnforeseenColumns` where a row has a column that `schema` has not.
    """
    parts: list[tuple[list[int], pa.Table]] = []
    alone: list[int] = []
    for event_type, indices in _group(rows).items():
        if event_type:
            _by_type(event_type, indices, rows, parts, alone)
        else:
            alone.extend(indices)
    parts.append((alone, _one_by_one([rows[i] for i in alone], drift)))
    flattened = _in_order(parts)
    if unforeseen := set(flattened.column_names) - set(schema.names):
        raise UnforeseenColumns(_names_with(unforeseen))
    own = {
        "seq": pa.array([row.seq for row in rows], pa.int64()),
        "received_at": pa.array([row.received_ns // 1000 for row in rows], pa.int64()).cast(pa.timestamp("us")),
        "elapsed_ns": pa.array([row.elapsed_ns for row in rows], pa.int64()),
        "kind": pa.array([row.kind for row in rows], pa.string()),
        "raw": pa.array([row.raw for row in rows], pa.string()),
    }
    have = {name: flattened.column(name) for name in flattened.column_names} | own
    arrays = [have[f.name] if f.name in have else pa.nulls(len(rows), f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _names_with(columns: set[str]) -> set[str]:
    names = {t for t in event_types() if any(c.name in columns for c in columns_of(t))}
    return names | {kind for kind, own in OWN_COLUMNS.items() if columns & own.keys()}


_TYPE = re.compile(r'"type":"(\w+)"')


def _group(rows: Sequence[Row]) -> dict[str, list[int]]:
    """Indices by event type, '' for rows that the quick way can't read.

    The type is a guess, checked later. A frame that begins with { and ends with } without a line break is either one
    JSON object or makes `pyarrow.json` fail or count another number of rows, whatever stands before and after it:
    after } it can't go on with {.
    """
    groups: dict[str, list[int]] = {"": []}
    quick = _quick_types()
    for index, row in enumerate(rows):
        raw = row.raw
        name = ""
        if row.kind == "event" and raw[:1] == "{" and raw[-1:] == "}" and "\n" not in raw and "\r" not in raw:
            found = _TYPE.search(raw)
            if found is not None and found[1] in quick:
                name = found[1]
        groups.setdefault(name, []).append(index)
    return groups


@cache
def _quick_types() -> frozenset[str]:
    """All but those whose every frame holds an object of free form."""
    return frozenset(t for t in event_types() if "object" not in fields_of(t).values())


def _by_type(
    event_type: str,
    indices: list[int],
    rows: Sequence[Row],
    parts: list[tuple[list[int], pa.Table]],
    alone: list[int],
) -> None:
    table = _quick(event_type, [rows[i].raw for i in indices])
    if table is not None:
        parts.append((indices, table))
    elif len(indices) <= _SMALL:
        alone.extend(indices)
    else:
        half = len(indices) // 2
        _by_type(event_type, indices[:half], rows, parts, alone)
        _by_type(event_type, indices[half:], rows, parts, alone)


# Objects of free form have no schema. Where one is flat and would be written the same way again, its key is renamed
# and its text made a string, so that the column is its text; any other stays, is unknown to the schema, and sends the
# frame the exact way. The new key can't be guessed, so no frame can bring it.
_FREE = re.compile(r'"(channelvars|bridgevars)":(\{[^{}]*\})')
_RENAMED = " as text " + secrets.token_hex(8)


@lru_cache(maxsize=4096)
def _as_text(free: str) -> str | None:
    try:
        if orjson.dumps(orjson.loads(free)).decode() != free:
            return None
    except ValueError:
        return None
    return orjson.dumps(free).decode()


def _rename(match: re.Match[str]) -> str:
    text = _as_text(match[2])
    return match[0] if text is None else f'"{match[1]}{_RENAMED}":{text}'


_DATE = r"^[12]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}[+-][01]\d[0-5]\d$"


def _quick(event_type: str, raws: list[str]) -> pa.Table | None:
    """Columns of frames that all have this type and are as catalogued; None if not."""
    text = _FREE.sub(_rename, "\n".join(raws))
    try:
        found = pj.read_json(
            pa.BufferReader(text.encode()),
            parse_options=pj.ParseOptions(
                explicit_schema=_nested_schema(event_type), unexpected_field_behavior="error"
            ),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    if found.num_rows != len(raws) or not pc.all(pc.equal(found["type"], event_type), min_count=0).as_py():
        return None
    if found["type"].null_count:
        return None
    columns: dict[str, pa.Array] = {}
    paths = [((name,), "timestamp" if name == "timestamp" else "string") for name in ENVELOPE]
    for path, kind in (*paths, *((c.path, c.type) for c in columns_of(event_type))):
        values = found[path[0]]
        if path[1:]:
            if kind == "json":
                path = (*path[:-1], path[-1] + _RENAMED)
            values = pc.struct_field(values, list(path[1:]))
        if kind == "timestamp":
            if not pc.all(pc.match_substring_regex(values, _DATE), min_count=0).as_py():
                return None
            try:
                values = values.cast(pa.timestamp("ms", "UTC")).cast(_MS)
            except pa.ArrowInvalid:
                return None
        elif kind == "strings":
            if any(chunk.flatten().null_count for chunk in values.chunks):
                return None
            values = values.cast(_STRINGS)
        columns["_".join(path).removesuffix(_RENAMED)] = values
    return pa.table(columns)


@cache
def _nested_schema(event_type: str) -> pa.Schema:
    envelope = [pa.field(name, pa.string()) for name in ENVELOPE]
    return pa.schema([*envelope, *_nested_fields(fields_of(event_type))])


def _nested_fields(fields: Mapping[str, str]) -> list[pa.Field]:
    result = []
    for name, declared in fields.items():
        ari_type = declared.removesuffix("?")
        if ari_type in models():
            result.append(pa.field(name, pa.struct(_nested_fields(models()[ari_type]))))
        elif ari_type in _PLAIN:
            result.append(pa.field(name, _PLAIN[ari_type]))
        else:
            result.append(pa.field(name + _RENAMED, pa.string()))
    return result


_PLAIN: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "Date": pa.string(),
    "int": pa.int64(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "List[string]": _STRINGS,
}


def _one_by_one(rows: Sequence[Row], drift: Drift) -> pa.Table:
    columns: dict[str, list[object]] = {"type": [None] * len(rows), "extra": [None] * len(rows)}
    for index, row in enumerate(rows):
        if row.kind == "event":
            flat = flatten(row.raw)
        elif row.kind in OWN_COLUMNS:
            flat = flatten_as(row.raw, OWN_COLUMNS[row.kind], row.kind)
        else:
            flat = Flat(drift=[("not text" if row.kind == "binary" else "unknown kind", row.kind)])
        drift.add(flat.drift)
        for name, value in {**flat.columns, "extra": flat.extra}.items():
            columns.setdefault(name, [None] * len(rows))[index] = value
    return pa.table({name: pa.array(values, _type_of(name)) for name, values in columns.items()})


@cache
def _type_of(name: str) -> pa.DataType:
    if name in LEADING.names:
        return LEADING.field(name).type
    if name in ("extra", "raw"):
        return pa.string()
    return ARROW[next(columns[name] for columns in (all_columns(), *OWN_COLUMNS.values()) if name in columns)]


def _in_order(parts: list[tuple[list[int], pa.Table]]) -> pa.Table:
    """The parts as one table, rows in the order of their indices, missing columns null."""
    together = pa.concat_tables([table for _, table in parts], promote_options="default")
    indices = pa.array([i for part, _ in parts for i in part], pa.int64())
    return together.combine_chunks().take(pc.sort_indices(indices))
