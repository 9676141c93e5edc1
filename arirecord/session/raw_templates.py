"""Templates: the text of a frame from its columns. A template has the columns in order, and the text between them.

`{"type":<type>,"timestamp":<timestamp +0000>,"channel":{"id":<channel_id>}}` is the template of a frame. Names of
columns stand for their values as Asterisk writes them; a time also has its offset.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import ENVELOPE, Column, all_columns, columns_of
from arirecord.errors import NotASession

from .column_check import TEMPLATE

__all__ = ["Templates", "columns_of_templates", "restore"]

_MAX_TEXT_BYTES = 1 << 26
"""Text that is made at once; a batch of usual frames has a tenth of it."""
_MAX_TEMPLATE = 1 << 16
_OFFSET = re.compile(r"[+-][01]\d[0-5]\d")
_SLOT = re.compile(r"<(\w+)(?: ([+-])(\d\d)(\d\d))?>")
_SPECIAL = r'["\\\x00-\x1f]'
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_Plan = Mapping[str, "Column | _Plan"]
_KNOWN = 16
"""Number of templates of a type that are tried, the latest first, before a frame is analysed."""


class Templates:
    """Finds the templates of frames. Most frames are like earlier ones of their type: their templates are tried first,
    on all rows together.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def of(self, table: pa.Table) -> pa.Array:
        """Return for each row the template that gives its text byte for byte; null if no template does."""
        raws, types = table["raw"].combine_chunks(), table["type"].combine_chunks()
        is_event = pc.equal(table["kind"], "event").combine_chunks()
        template_of: list[str | None] = [None] * len(raws)
        for event_type in types.unique().drop_null().to_pylist():
            rows = pc.indices_nonzero(pc.and_(is_event, pc.fill_null(pc.equal(types, event_type), False)))
            known = self._known.setdefault(event_type, [])
            tried = set(known)
            for template in list(known):
                rows = _try(template, table, rows, template_of)
            others: dict[str, list[int]] = {}
            for row, raw in zip(rows.to_pylist(), raws.take(rows).to_pylist(), strict=True):
                new = _template_of(raw)
                if new is not None and new not in tried:
                    others.setdefault(new, []).append(row)
            for template, places in others.items():
                rows = pa.array(places, pa.uint64())
                if len(_try(template, table, rows, template_of)) < len(rows):
                    known.insert(0, template)
            del known[_KNOWN:]
        return pa.array(template_of, pa.string())


def _try(template: str, table: pa.Table, rows: pa.Array, template_of: list[str | None]) -> pa.Array:
    """Set the template for those rows whose text it gives; return the others."""
    if not len(rows):
        return rows
    some = table.select(["raw", *(columns_of_templates([template]) & set(table.column_names))]).take(rows)
    is_same = pc.fill_null(pc.equal(_fill(template, some), some["raw"]), False).combine_chunks()
    for row in rows.filter(is_same).to_pylist():
        template_of[row] = template
    return rows.filter(pc.invert(is_same))


def columns_of_templates(templates: Iterable[str]) -> set[str]:
    """Return the names of the columns in the templates."""
    return {slot[1] for template in templates for slot in _SLOT.finditer(template)}


def _template_of(raw: str) -> str | None:
    """Return the template of a frame; None if a field has no column. The caller checks that it gives the same text."""
    try:
        event = orjson.loads(raw)
        pieces = ["{"]
        return "".join(pieces) if _write(event, _plan(event["type"]), pieces) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(fields: Mapping[str, Any], plan: _Plan, pieces: list[str]) -> bool:
    before = ""
    for key, value in fields.items():
        spec = plan.get(key)
        if spec is None:
            return False
        pieces.append(f'{before}"{key}":')
        before = ","
        if value is None:
            pieces.append("null")
        elif not isinstance(spec, Column):
            pieces.append("{")
            if not _write(value, spec, pieces):
                return False
        elif spec.type == "timestamp":
            offset = value[-5:]
            if not _OFFSET.fullmatch(offset):
                return False
            pieces.append(f"<{spec.name} {offset}>")
        else:
            pieces.append(f"<{spec.name}>")
    pieces.append("}")
    return True


@cache
def _plan(event_type: str) -> _Plan:
    """The event's fields and in them their fields, down to columns. Raises `KeyError` for an unknown type."""
    plan: dict[str, Any] = {}
    envelope = [Column(name, (name,), "timestamp" if name == "timestamp" else "string") for name in ENVELOPE]
    for column in (*envelope, *columns_of(event_type)):
        node = plan
        for part in column.path[:-1]:
            node = node.setdefault(part, {})
        node[column.path[-1]] = column
    return plan


def restore(table: pa.Table, max_bytes: int = _MAX_TEXT_BYTES) -> pa.Array:
    """Return the text of every row: `raw`, or if `raw` is null the text of the row's template (a code), or null.

    Raises `NotASession` if these texts have more than about `max_bytes`, or for a template that no frame has.
    """
    size = 0
    templates = table[TEMPLATE].combine_chunks()
    raws = table["raw"].combine_chunks()
    texts, places = [raws], list(range(len(raws)))
    for code in templates.indices.unique().drop_null().to_pylist():
        template = templates.dictionary[code].as_py()
        rows = pc.indices_nonzero(pc.fill_null(pc.equal(templates.indices, code), False))
        some = table.select(list(columns_of_templates([template]) & set(table.column_names)))
        some = some.take(rows)
        slots = [slot[1] for slot in _SLOT.finditer(template) if slot[1] in some.column_names]
        if len(template) > _MAX_TEMPLATE or len(slots) > len(set(slots)):
            raise NotASession("a template is longer than any of a frame, or has a column twice")
        size += len(template) * len(rows) + sum(some[name].nbytes for name in slots)
        if size > max_bytes:
            raise NotASession(f"its frames are too long: these {table.num_rows:,} have more than {max_bytes >> 20} MiB")
        texts.append(_fill(template, some))
        begin = sum(len(text) for text in texts[:-1])
        for place, row in enumerate(rows.to_pylist(), begin):
            places[row] = place
    return pa.concat_arrays(texts).take(pa.array(places, pa.int64()))


def _fill(template: str, table: pa.Table) -> pa.Array:
    """The text of rows that all have this template."""
    pieces: list[Any] = [""]
    at = 0
    for slot in _SLOT.finditer(template):
        pieces[-1] += template[at : slot.start()]
        at = slot.end()
        if slot[1] not in table.column_names:
            return pa.nulls(table.num_rows, pa.string())
        values, quote = _texts(table[slot[1]].combine_chunks(), slot[1], slot[2], slot[3], slot[4])
        pieces[-1] += quote
        pieces += [values, quote]
    pieces[-1] += template[at:]
    return pc.binary_join_element_wise(*pieces, "")


def _texts(values: pa.Array, name: str, sign: str | None, hours: str, minutes: str) -> tuple[pa.Array, str]:
    """Return the values as in JSON, and their quotes."""
    if sign is not None and pa.types.is_timestamp(values.type):
        offset_ms = (int(hours) * 60 + int(minutes)) * 60_000 * (-1 if sign == "-" else 1)
        local = pc.add(values.cast(pa.int64()), offset_ms).cast(values.type).cast(pa.string())
        local = pc.replace_substring(local, " ", "T")
        return pc.binary_join_element_wise(local, f"{sign}{hours}{minutes}", ""), '"'
    if pa.types.is_list(values.type):
        items = _escape(values.flatten())
        offsets = pc.subtract(values.offsets, values.offsets[0])
        joined = pc.binary_join(pa.ListArray.from_arrays(offsets, items), '","')
        quoted = pc.binary_join_element_wise('["', joined, '"]', "")
        empty = pc.equal(pc.list_value_length(values), 0)
        return pc.if_else(pc.is_null(values), None, pc.if_else(empty, "[]", quoted)), ""
    if not pa.types.is_string(values.type):
        return values.cast(pa.string()), ""
    return (values, "") if name in _json_columns() else (_escape(values), '"')


def _escape(values: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(values, _SPECIAL)).as_py():
        for char, escaped in _ESCAPES.items():
            values = pc.replace_substring(values, char, escaped)
    return values


@cache
def _json_columns() -> frozenset[str]:
    return frozenset(name for name, column_type in all_columns().items() if column_type == "json")
