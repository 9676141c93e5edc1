"""Residuals: the text of frames without their times and snapshots, as columns.

Most of the hundreds of columns belong to rare types. Their few values are placed between nulls, because a lookup for
every row would be slower.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import event_types, fields_of

from .arrow_json import MARK, SECRET, parse_texts

__all__ = ["Residuals", "nulls", "parse_rests"]

_SELDOM = 128
"""A form is rare if at most one of this number of rows has it."""


@dataclass(frozen=True, slots=True)
class Residuals:
    """Distinct rests, parsed: tables of their columns, without empty columns.

    `table_of` and `row_of` give the location of a rest by its number; null if it is unreadable: then it is `refused`.
    """

    tables: Sequence[pa.Table]
    table_of: pa.Array
    row_of: pa.Array
    refused: Collection[int]

    def columns(self, numbers: pa.Array) -> dict[str, pa.ChunkedArray]:
        """Return the columns of frames whose rests have these numbers; null means no rest."""
        tables, rows = self.table_of.take(numbers), self.row_of.take(numbers)
        seldom = self._seldom(tables)
        often = {name for i, table in enumerate(self.tables) if i not in seldom for name in table.column_names}
        columns = {"type": pa.chunked_array([nulls(pa.string(), len(numbers))])}
        if often:
            dense, begins = _together([_select(table, often) for table in self.tables])
            places = pc.add(begins.take(tables), rows)
            columns |= {name: dense[name].take(places) for name in dense.column_names}
        others = [_select(table, set(table.column_names) - often) for table in self.tables]
        having = pa.array([i for i, table in enumerate(others) if table.num_columns], pa.int32())
        at = pc.indices_nonzero(pc.is_in(tables, having))
        if len(at):
            sparse, begins = _together(others)
            taken = sparse.take(pc.add(begins.take(tables.take(at)), rows.take(at)))
            table = _between_nulls(taken, at.to_pylist(), len(numbers))
            columns |= dict(zip(table.column_names, table.columns, strict=True))
        return columns

    def _seldom(self, tables: pa.Array) -> set[int]:
        """Return the tables with the fewest rows; together they have few rows."""
        rare: set[int] = set()
        counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(tables).to_pylist()}
        left = len(tables) // _SELDOM
        for number in sorted(range(len(self.tables)), key=lambda number: counts.get(number, 0)):
            left -= counts.get(number, 0)
            if left < 0:
                break
            rare.add(number)
        return rare


def parse_rests(texts: Sequence[str]) -> Residuals:
    """Parse distinct rests; the number of each is its index."""
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
    table_of: list[int | None] = [None] * len(texts)
    row_of: list[int | None] = [None] * len(texts)
    for form, numbers in forms.items():
        for part, table in parse_texts(form, [texts[number] for number in numbers]):
            if table is None:
                refused.update(numbers[i] for i in part)
                continue
            for row, i in enumerate(part):
                table_of[numbers[i]], row_of[numbers[i]] = len(tables), row
            tables.append(_select(table, [n for n in table.column_names if table[n].null_count < len(part)]))
    return Residuals(tables, pa.array(table_of, pa.int32()), pa.array(row_of, pa.int32()), refused)


@cache
def _forms() -> frozenset[str]:
    """Return all except those of types whose every frame has a free object."""
    quick_types = [t for t in event_types() if "object" not in fields_of(t).values()]
    return frozenset([*quick_types, *(t + SECRET for t in quick_types)])


def _select(table: pa.Table, names: Collection[str]) -> pa.Table:
    return table.select([name for name in table.column_names if name in names])


def _together(tables: Sequence[pa.Table]) -> tuple[pa.Table, pa.Array]:
    """Concatenate the tables, without those that have no columns; return the first row of each too."""
    counts = [table.num_rows if table.num_columns else 0 for table in tables]
    some = [table for table in tables if table.num_columns]
    begins = pa.array([0, *accumulate(counts)][:-1], pa.int32())
    return pa.concat_tables(some, promote_options="default").combine_chunks(), begins


def _between_nulls(values: pa.Table, places: Iterable[int], count: int) -> pa.Table:
    """Make a table with this number of rows: `values` at `places`, in order, and nulls elsewhere."""
    empty = pa.Table.from_arrays([nulls(field.type, count) for field in values.schema], schema=values.schema)
    pieces: list[pa.Table] = []
    end = 0
    for number, place in enumerate(places):
        if place > end:
            pieces.append(empty.slice(0, place - end))
        pieces.append(values.slice(number, 1))
        end = place + 1
    return pa.concat_tables([*pieces, empty.slice(0, count - end)])


@lru_cache(maxsize=32)
def nulls(arrow_type: pa.DataType, count: int) -> pa.Array:
    """Return an array of nulls, made once for each size."""
    return pa.nulls(count, arrow_type)
