"""The quick way from frames to columns. It gives exactly what `ari.flatten` gives, or refuses a frame.

A stream says the same again and again. Most of a frame is the snapshot of its channel, and most snapshots come many
times; so does what is left when a frame's own time is taken out too. So a frame is cut into its time, its snapshots and
the rest, every different text is parsed once (`session/forms.py`), and rows are put together by numbers.
What is cut out is the value of its key and nothing else, because the rest is refused where it is not.
"""

import re
from collections.abc import Sequence
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.ari.catalogue import event_types, fields_of
from arirecord.ari.timestamps import parse_timestamp

from .forms import CUT, MARK, MS, SECRET, SNAPSHOT, parse_stamps, parse_texts

__all__ = ["quick"]

_STAMP = len("2026-11-23T22:26:19.442+0000")
_OBJECT = re.compile(r"\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}")
_BEGIN = {field: f'"{field}":{{"id":"' for field in CUT}
_Numbers = list[int | None]


def quick(raws: Sequence[str]) -> tuple[pa.Table, list[int]]:
    """Flattened columns of the frames, in order, and the indices of those that it refuses: their columns are null."""
    pieces = _Pieces(raws, frozenset())
    snapshots, bad = _parse_snapshots(list(pieces.snapshots))
    if bad:
        pieces = _Pieces(raws, bad)
        snapshots, _ = _parse_snapshots(list(pieces.snapshots))
    rests, places, refused_rests = _parse_rests(list(pieces.rests))
    refused = {index for index, rest in enumerate(pieces.numbers) if rest is None or rest in refused_rests}
    stamps, bad_stamps = _parse_stamps([None if i in refused else stamp for i, stamp in enumerate(pieces.stamps)])
    refused |= bad_stamps
    for numbers in (pieces.numbers, *pieces.fields.values()):
        for index in refused:
            numbers[index] = None

    numbers = places.take(pa.array(pieces.numbers, pa.int64()))
    columns = {name: rests[name].take(numbers) for name in rests.column_names} | {"timestamp": stamps}
    for field, found in pieces.fields.items():
        numbers = pa.array(found, pa.int64())
        for name in snapshots.column_names if numbers.null_count < len(numbers) else ():
            taken, whole = snapshots[name].take(numbers), f"{field}_{name}"
            columns[whole] = pc.coalesce(columns[whole], taken) if whole in columns else taken
    return pa.table(columns), sorted(refused)


class _Pieces:
    """Frames cut up. For each: its time, a number for the rest (None: it is refused), and one for each snapshot.

    `rests` and `snapshots` have the different texts in the order of their numbers. `bad` snapshots are not cut out.
    """

    def __init__(self, raws: Sequence[str], bad: frozenset[str]) -> None:
        self._bad = bad
        self._latest: dict[str, tuple[str, int]] = {}
        self.snapshots: dict[str, int] = {}
        self.rests: dict[str, int] = {}
        self.stamps: list[str | None] = [None] * len(raws)
        self.numbers: _Numbers = [None] * len(raws)
        self.fields: dict[str, _Numbers] = {field: [None] * len(raws) for field in CUT}
        numbers, stamps, rests = self.numbers, self.stamps, self.rests
        for index, raw in enumerate(raws):
            rest = self._cut(index, raw, "channel")
            if rest is raw and '"peer":{"id":"' in raw:
                rest = self._cut(index, self._cut(index, raw, "peer"), "caller")
            at = rest.find('"timestamp":"') + 10
            end = at + 3 + _STAMP
            if at > 9 and rest[end : end + 1] == '"':
                stamps[index] = rest[at + 3 : end]
                numbers[index] = rests.setdefault(rest[:at] + MARK + rest[end + 1 :], len(rests))

    def _cut(self, index: int, raw: str, field: str) -> str:
        """The frame with a mark for the snapshot; the same frame where none can be cut out."""
        at = raw.find(_BEGIN[field])
        if at < 0:
            return raw
        at += len(field) + 1
        channel_id = raw[at + 9 : raw.find('"', at + 9)]
        known = self._latest.get(channel_id)
        if known is None or not raw.startswith(known[0], at + 2):
            found = _OBJECT.match(raw, at + 2)
            if found is None or found[0] in self._bad:
                return raw
            known = found[0], self.snapshots.setdefault(found[0], len(self.snapshots))
            self._latest[channel_id] = known
        self.fields[field][index] = known[1]
        return raw[:at] + MARK + raw[at + 2 + len(known[0]) :]


def _parse_snapshots(texts: Sequence[str]) -> tuple[pa.Table, frozenset[str]]:
    """Columns of all snapshots, and those that can't be read; then there are no columns."""
    parts = list(parse_texts(SNAPSHOT, texts)) if texts else []
    bad = frozenset(texts[i] for part, table in parts if table is None for i in part)
    if bad or not parts:
        return pa.table({}), bad
    return pa.concat_tables([table for _, table in parts]).combine_chunks(), bad


def _parse_rests(texts: Sequence[str]) -> tuple[pa.Table, pa.Array, set[int]]:
    """Columns of rests, the row in which each is, by its number, and the numbers of those that are refused: they have
    no row.
    """
    forms: dict[str, list[int]] = {}
    known = _forms()
    refused: set[int] = set()
    for number, text in enumerate(texts):
        at = text.find('"type":"') + 8
        form = text[at : text.find('"', at)] + (SECRET if text.count(MARK) > 1 else "")
        if at > 7 and form in known:
            forms.setdefault(form, []).append(number)
        else:
            refused.add(number)
    tables: list[pa.Table] = []
    places: _Numbers = [None] * len(texts)
    count = 0
    for form, numbers in forms.items():
        for part, table in parse_texts(form, [texts[number] for number in numbers]):
            if table is None:
                refused.update(numbers[i] for i in part)
                continue
            tables.append(table)
            for i in part:
                places[numbers[i]] = count
                count += 1
    if not tables:
        return pa.table({"type": pa.nulls(0, pa.string())}), pa.array(places, pa.int64()), refused
    together = pa.concat_tables(tables, promote_options="default").combine_chunks()
    return together, pa.array(places, pa.int64()), refused


@cache
def _forms() -> frozenset[str]:
    """All but those of types whose every frame holds an object of free form."""
    quick_types = [t for t in event_types() if "object" not in fields_of(t).values()]
    return frozenset([*quick_types, *(t + SECRET for t in quick_types)])


def _parse_stamps(stamps: Sequence[str | None]) -> tuple[pa.Array, set[int]]:
    """Times of frames, and the indices of those that no column can hold: null."""
    parsed = parse_stamps(pa.array(stamps, pa.string()))
    if parsed is not None:
        return parsed, set()
    bad = {i for i, stamp in enumerate(stamps) if stamp is not None and not _is_exact(stamp)}
    parsed = parse_stamps(pa.array([None if i in bad else stamp for i, stamp in enumerate(stamps)], pa.string()))
    return (pa.nulls(len(stamps), MS), set(range(len(stamps)))) if parsed is None else (parsed, bad)


def _is_exact(stamp: str) -> bool:
    found = parse_timestamp(stamp)
    return found is not None and found[1] and parse_stamps(pa.array([stamp])) is not None
