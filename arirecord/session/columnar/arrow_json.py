"""Texts of one form as columns, by `pyarrow.json` with an explicit schema that refuses all unexpected texts.

A form is an event type, an event type whose snapshots `fast_path.py` has cut out, or a snapshot itself. A 0 replaces
each time and snapshot that is cut out. The key before it, and the key of a free object that becomes a text, contain a
random secret, so that no frame can contain them.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from arirecord.asterisk.catalogue import ENVELOPE, ColumnType, columns_of, event_types, fields_of, models
from arirecord.session.column_check import ARROW

__all__ = ["CUT", "MARK", "MS", "SECRET", "SNAPSHOT", "parse_stamps", "parse_texts"]

MS = pa.timestamp("ms")
_STRINGS = ARROW["strings"]
_PLAIN: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "Date": pa.string(),
    "int": pa.int64(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "List[string]": _STRINGS,
}
SECRET = " " + secrets.token_hex(8)
MARK = f'{SECRET}":0'
"""Replaces in a text the part that was cut out, from the end of its key on."""
_AS_TEXT = " as text" + SECRET
SNAPSHOT = "Channel"
CUT = ("channel", "peer", "caller")
"""Fields whose snapshots are cut out: those of `Dial` and of all events of one channel."""
_SMALL = 32
"""Below this number of texts, halving costs more than the exact path for each."""
_BLOCK = 1 << 22
_ENVELOPE = [name for name in ENVELOPE if name != "timestamp"]
_FREE = ("channelvars", "bridgevars")
_DATE = r"^[12]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}[+-][01]\d[0-5]\d$"


def parse_texts(form: str, texts: Sequence[str]) -> Iterator[tuple[range, pa.Table | None]]:
    """Return the texts as tables, in pieces as large as possible; None for refused pieces."""
    return _halves(form, texts, range(len(texts)))


def _halves(form: str, texts: Sequence[str], part: range) -> Iterator[tuple[range, pa.Table | None]]:
    table = _parse(form, texts[part.start : part.stop])
    if table is not None or len(part) <= _SMALL:
        yield part, table
    else:
        middle = part.start + len(part) // 2
        yield from _halves(form, texts, range(part.start, middle))
        yield from _halves(form, texts, range(middle, part.stop))


def _parse(form: str, texts: Sequence[str]) -> pa.Table | None:
    """Return the columns of frames or snapshots; None unless all have this form and match the catalogue."""
    text = "\n".join(texts)
    # A line that begins with { and ends with } is either one JSON object, or makes the parser fail or count another
    # number of rows, whatever stands before and after it: after } it can't go on with {.
    if text[:1] != "{" or text[-1:] != "}" or text.count("}\n{") != len(texts) - 1:
        return None
    if text.count("\n") != len(texts) - 1 or "\r" in text:
        return None
    try:
        table = pj.read_json(
            pa.BufferReader(_free_as_text(text).encode()),
            read_options=pj.ReadOptions(block_size=_BLOCK),
            parse_options=pj.ParseOptions(explicit_schema=_schema(form), unexpected_field_behavior="error"),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    if table.num_rows != len(texts):
        return None
    if form != SNAPSHOT:
        has_type = pc.equal(table["type"], form.removesuffix(SECRET))
        if not pc.all(has_type, skip_nulls=False, min_count=0).as_py():
            return None
    columns: dict[str, pa.ChunkedArray] = {}
    for path, column_type in _paths(form):
        values = table[path[0]]
        if path[1:]:
            values = pc.struct_field(values, list(path[1:]))
        if column_type == "timestamp":
            values = parse_stamps(values)
        elif column_type == "strings":
            values = None if any(chunk.flatten().null_count for chunk in values.chunks) else values.cast(_STRINGS)
        if values is None:
            return None
        columns["_".join(path).removesuffix(_AS_TEXT)] = values
    return pa.table(columns)


def parse_stamps(values: pa.Array | pa.ChunkedArray) -> Any:
    """Convert times in Asterisk's format to milliseconds; None if one has another format or is not a time."""
    if not pc.all(pc.match_substring_regex(values, _DATE), min_count=0).as_py():
        return None
    try:
        return values.cast(pa.timestamp("ms", "UTC")).cast(MS)
    except pa.ArrowInvalid:
        return None


def _free_as_text(text: str) -> str:
    """Turn free objects, which have no schema, into strings, so that the column has their text.

    Only flat objects in canonical form are converted, under a renamed key. Others stay, and the schema refuses them.
    """
    for name in _FREE:
        first, *others = text.split(f'"{name}":{{')
        if others:
            text = first + "".join([_rename(name, other) for other in others])
    return text


def _rename(name: str, rest: str) -> str:
    """`rest` begins within the object, after its {."""
    end = rest.find("}") + 1
    free = _as_text("{" + rest[:end])
    return f'"{name}":{{{rest}' if free is None else f'"{name}{_AS_TEXT}":{free}{rest[end:]}'


@lru_cache(maxsize=4096)
def _as_text(free: str) -> str | None:
    try:
        if orjson.dumps(orjson.loads(free)).decode() != free:
            return None
    except ValueError:
        return None
    return orjson.dumps(free).decode()


@cache
def _paths(form: str) -> Sequence[tuple[tuple[str, ...], ColumnType]]:
    """Return the location of each column's values in the parsed table."""
    if form == SNAPSHOT:
        event = next(t for t in event_types() if fields_of(t).get("channel") == SNAPSHOT)
        columns = [c for c in columns_of(event) if c.path[0] == "channel"]
        return [(_renamed(c.path[1:], c.type), c.type) for c in columns]
    name, cut = _fields(form)
    envelope: list[tuple[tuple[str, ...], ColumnType]] = [((field,), "string") for field in _ENVELOPE]
    return [*envelope, *((_renamed(c.path, c.type), c.type) for c in columns_of(name) if c.path[0] not in cut)]


def _renamed(path: tuple[str, ...], column_type: ColumnType) -> tuple[str, ...]:
    return (*path[:-1], path[-1] + _AS_TEXT) if column_type == "json" else path


def _fields(form: str) -> tuple[str, set[str]]:
    """Return the form's event type, and the fields that have numbers instead of snapshots."""
    name = form.removesuffix(SECRET)
    known = fields_of(name) if form != name else {}
    return name, {f for f in CUT if known.get(f, "").removesuffix("?") == SNAPSHOT}


@cache
def _schema(form: str) -> pa.Schema:
    if form == SNAPSHOT:
        return pa.schema(_nested(models()[SNAPSHOT]))
    name, cut = _fields(form)
    return pa.schema(
        [
            *(pa.field(field, pa.string()) for field in _ENVELOPE),
            *_nested({f: declared for f, declared in fields_of(name).items() if f not in cut}),
            *(pa.field(field + SECRET, pa.int64()) for field in ("timestamp", *cut)),
        ]
    )


def _nested(fields: Mapping[str, str]) -> list[pa.Field]:
    result = []
    for name, declared in fields.items():
        ari_type = declared.removesuffix("?")
        if ari_type in models():
            result.append(pa.field(name, pa.struct(_nested(models()[ari_type]))))
        elif ari_type in _PLAIN:
            result.append(pa.field(name, _PLAIN[ari_type]))
        else:
            result.append(pa.field(name + _AS_TEXT, pa.string()))
    return result
