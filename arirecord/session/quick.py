"""The quick way from frames to columns: all frames of a type at once, by `pyarrow.json` with an explicit schema.

It gives exactly what `ari.flatten` gives, or nothing: whatever the catalogue does not foresee makes it refuse.

Most of a frame is the snapshot of its channel, and most snapshots come many times. So snapshots are cut out of their
frames, each is parsed once, and the frames are parsed with a number in its place. The key before such a number, as the
key of a free object that is made a text, is one that nobody can guess: no frame can bring it.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from arirecord.ari.catalogue import ENVELOPE, ColumnType, columns_of, event_types, fields_of, models

__all__ = ["ARROW", "quick"]

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
_PLAIN: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "Date": pa.string(),
    "int": pa.int64(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "List[string]": _STRINGS,
}
_SMALL = 32
"""Below so many frames halving costs more than reading each the exact way."""
_SECRET = " " + secrets.token_hex(8)
_AS_TEXT = " as text" + _SECRET
_BLOCK = 1 << 22
_CUT = ("channel", "peer", "caller")
"""Fields whose snapshots are cut out: those of `Dial` and of all that is about one channel."""
_SNAPSHOT = "Channel"
_OBJECT = re.compile(r"\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}")
_FREE = ("channelvars", "bridgevars")
_DATE = r"^[12]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}[+-][01]\d[0-5]\d$"


class _Group(NamedTuple):
    """Frames that seem to be of one form: a type, and whether snapshots were cut out of them. Where they were, and
    their text.
    """

    form: str
    indices: list[int]
    texts: list[str]


def quick(raws: Sequence[str]) -> tuple[pa.Table, list[int]]:
    """Flattened columns of the frames, in order, and the indices of those that it refuses: their columns are null."""
    snapshots = _Snapshots(frozenset())
    groups, refused = _group(raws, snapshots)
    if bad := snapshots.parse():
        snapshots = _Snapshots(bad)
        groups, refused = _group(raws, snapshots)
        snapshots.parse()
    tables: list[pa.Table] = []
    places: list[int | None] = [None] * len(raws)
    count = 0
    for group in groups:
        for part, table in _halves(group.form, group.texts, range(len(group.texts))):
            if table is None:
                refused.extend(group.indices[i] for i in part)
                continue
            tables.append(table)
            for i in part:
                places[group.indices[i]] = count
                count += 1
    if not tables:
        return pa.table({"type": pa.nulls(len(raws), pa.string())}), refused
    together = pa.concat_tables(tables, promote_options="default").combine_chunks()
    return snapshots.put_back(together.take(pa.array(places, pa.int64()))), refused


def _group(raws: Sequence[str], snapshots: "_Snapshots") -> tuple[list[_Group], list[int]]:
    """Frames by the type that they seem to have, checked later, and the indices of those that have none."""
    whole = {name: _Group(name, [], []) for name in _quick_types()}
    cut = {name: _Group(name + _SECRET, [], []) for name in _quick_types()}
    refused: list[int] = []
    for index, raw in enumerate(raws):
        text = snapshots.cut(raw)
        at = text.find('"type":"') + 8
        group = (whole if text is raw else cut).get(text[at : text.find('"', at)]) if at > 7 else None
        if group is None:
            refused.append(index)
        else:
            group.indices.append(index)
            group.texts.append(text)
    return [group for group in (*whole.values(), *cut.values()) if group.indices], refused


@cache
def _quick_types() -> frozenset[str]:
    """All but those whose every frame holds an object of free form."""
    return frozenset(t for t in event_types() if "object" not in fields_of(t).values())


class _Snapshots:
    """The different snapshots of channels in some frames, numbered as they come; `refused` are not cut out."""

    def __init__(self, refused: frozenset[str]) -> None:
        self._refused = refused
        self._numbers: dict[str, str] = {}
        self._latest: dict[str, tuple[str, str]] = {}
        self._columns: Mapping[str, pa.Array] = {}

    def cut(self, raw: str) -> str:
        """The frame with numbers for its snapshots. What is not cut stays, and the frame's schema refuses it."""
        at = raw.find('"channel":{"id":"')
        if at >= 0:
            return self._cut_at(raw, at + 8)
        for name in _CUT[1:]:
            at = raw.find(f'"{name}":{{"id":"')
            if at >= 0:
                raw = self._cut_at(raw, at + len(name) + 1)
        return raw

    def _cut_at(self, raw: str, at: int) -> str:
        """`at` is where the key ends, two before the snapshot."""
        begin = at + 2
        channel_id = raw[begin + 7 : raw.find('"', begin + 7)]
        known = self._latest.get(channel_id)
        if known is not None and raw.startswith(known[0], begin):
            snapshot, number = known
        else:
            found = _OBJECT.match(raw, begin)
            if found is None or found[0] in self._refused:
                return raw
            snapshot = found[0]
            number = self._numbers.setdefault(snapshot, f'{_SECRET}":{len(self._numbers)}')
            self._latest[channel_id] = snapshot, number
        return raw[:at] + number + raw[begin + len(snapshot) :]

    def parse(self) -> frozenset[str]:
        """Read all snapshots; those that can't be read."""
        texts = list(self._numbers)
        parts = list(_halves(_SNAPSHOT, texts, range(len(texts)))) if texts else []
        if bad := frozenset(texts[i] for part, table in parts if table is None for i in part):
            return bad
        if parts:
            table = pa.concat_tables([table for _, table in parts]).combine_chunks()
            self._columns = {name: table[name] for name in table.column_names}
        return frozenset()

    def put_back(self, table: pa.Table) -> pa.Table:
        """The table with the snapshots' columns for its numbers."""
        columns = {}
        for name in table.column_names:
            if name.endswith(_SECRET):
                field, numbers = name.removesuffix(_SECRET), table[name]
                for column, values in self._columns.items():
                    taken, whole = values.take(numbers), f"{field}_{column}"
                    columns[whole] = pc.coalesce(table[whole], taken) if whole in table.column_names else taken
            elif name not in columns:
                columns[name] = table[name]
        return pa.table(columns)


def _halves(form: str, texts: Sequence[str], part: range) -> Iterator[tuple[range, pa.Table | None]]:
    """The texts of `part` as tables, in pieces as large as can be; None for the pieces that are refused."""
    table = _parse(form, texts[part.start : part.stop])
    if table is not None or len(part) <= _SMALL:
        yield part, table
    else:
        middle = part.start + len(part) // 2
        yield from _halves(form, texts, range(part.start, middle))
        yield from _halves(form, texts, range(middle, part.stop))


def _parse(form: str, texts: Sequence[str]) -> pa.Table | None:
    """Columns of frames that all have this form, or of snapshots, and are as catalogued; None if not."""
    text = "\n".join(texts)
    # A line that begins with { and ends with } is either one JSON object, or makes the parser fail or count another
    # number of rows, whatever stands before and after it: after } it can't go on with {.
    if text[:1] != "{" or text[-1:] != "}" or text.count("}\n{") != len(texts) - 1:
        return None
    if text.count("\n") != len(texts) - 1 or "\r" in text:
        return None
    try:
        found = pj.read_json(
            pa.BufferReader(_free_as_text(text).encode()),
            read_options=pj.ReadOptions(block_size=_BLOCK),
            parse_options=pj.ParseOptions(explicit_schema=_schema(form), unexpected_field_behavior="error"),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    if found.num_rows != len(texts):
        return None
    if form != _SNAPSHOT:
        has_type = pc.equal(found["type"], form.removesuffix(_SECRET))
        if not pc.all(has_type, skip_nulls=False, min_count=0).as_py():
            return None
    columns: dict[str, pa.ChunkedArray] = {}
    for path, kind in _paths(form):
        values = _values(found, path, kind)
        if values is None:
            return None
        columns["_".join(path).removesuffix(_AS_TEXT)] = values
    return pa.table(columns)


def _values(found: pa.Table, path: tuple[str, ...], kind: ColumnType) -> pa.ChunkedArray | None:
    values = found[path[0]]
    if path[1:]:
        values = pc.struct_field(values, list(path[1:]))
    if kind == "timestamp":
        if not pc.all(pc.match_substring_regex(values, _DATE), min_count=0).as_py():
            return None
        try:
            return values.cast(pa.timestamp("ms", "UTC")).cast(_MS)
        except pa.ArrowInvalid:
            return None
    if kind == "strings":
        if any(chunk.flatten().null_count for chunk in values.chunks):
            return None
        return values.cast(_STRINGS)
    return values


def _free_as_text(text: str) -> str:
    """Objects of free form have no schema. Where one is flat and would be written the same way again, its key is
    renamed and its text made a string, so that the column is its text; any other stays, and is refused.
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
    """Where the values of the columns are in what was parsed."""
    if form == _SNAPSHOT:
        event = next(t for t in event_types() if fields_of(t).get("channel") == _SNAPSHOT)
        columns = [c for c in columns_of(event) if c.path[0] == "channel"]
        return [(_renamed(c.path[1:], c.type), c.type) for c in columns]
    envelope: list[tuple[tuple[str, ...], ColumnType]] = [((e,), "string") for e in ENVELOPE if e != "timestamp"]
    name, cut = _fields(form)
    own = [(_renamed(c.path, c.type), c.type) for c in columns_of(name) if c.path[0] not in cut]
    return [*envelope, (("timestamp",), "timestamp"), *own, *(((field + _SECRET,), "int64") for field in cut)]


def _renamed(path: tuple[str, ...], kind: ColumnType) -> tuple[str, ...]:
    return (*path[:-1], path[-1] + _AS_TEXT) if kind == "json" else path


def _fields(form: str) -> tuple[str, set[str]]:
    """Its event type, and the fields that have numbers for snapshots."""
    name = form.removesuffix(_SECRET)
    known = fields_of(name) if form != name else {}
    return name, {f for f in _CUT if known.get(f, "").removesuffix("?") == _SNAPSHOT}


@cache
def _schema(form: str) -> pa.Schema:
    if form == _SNAPSHOT:
        return pa.schema(_nested(models()[_SNAPSHOT]))
    name, cut = _fields(form)
    return pa.schema(
        [
            *(pa.field(field, pa.string()) for field in ENVELOPE),
            *_nested({f: declared for f, declared in fields_of(name).items() if f not in cut}),
            *(pa.field(field + _SECRET, pa.int64()) for field in cut),
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
