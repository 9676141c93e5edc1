"""Tables as text: whole for a pipe, or laid out for the width of a terminal.

On a terminal cells are short: times of one day without the day, numbers with decimals by their size. If a table is
still too wide, long ids are shortened, then headers and sentences are wrapped between words, and finally columns are
left out. Words are never cut.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any, TypeGuard

from rich.box import Box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from arirecord.printable import printable

__all__ = ["Layout", "TextColumn", "lay_out", "plain_lines", "record_lines", "whole_cell"]

_GAP = 2
_LONG_ID = 24
_LONG_WORD = 40
_LONG_TEXT = 120
"""Longer texts are shortened if the table is too wide."""
_SENTENCE = 18
"""A cell with spaces may be wrapped to this width, or to its longest word."""
_WIDTH = 40
"""Width of the line above a record."""
_HEAD_RULE = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")


def whole_cell(value: Any) -> str:
    """Format a value in full."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, list):
        return ", ".join(map(whole_cell, value))
    return printable(str(value), "\n")


@dataclass
class TextColumn:
    """A column to lay out: its name, its values, and whether they are numbers.

    is_asked: the user named the column, so that its cells are not shortened.
    """

    name: str
    values: Sequence[Any]
    is_number: bool = False
    is_asked: bool = False
    cells: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = printable(self.name)

    @property
    def width(self) -> int:
        """Width in terminal columns without wrapping."""
        return max(map(cell_len, (self.name, *self.cells)), default=1)

    @property
    def least_width(self) -> int:
        """Width in terminal columns with wrapping."""
        head = max(map(len, _head_words(self.name)))
        widths = (min(cell_len(cell), max(_SENTENCE, _longest_word(cell))) for cell in self.cells)
        return max(head, *widths, 1) if self.cells else head

    def shorten(self) -> None:
        """Shorten long ids in the middle, and long texts. The id of a call stays whole: commands accept it."""
        if not self.is_asked and self.name != "call_id" and not self.is_number:
            words = (" ".join(map(_shortened, cell.split(" "))) for cell in self.cells)
            self.cells = [f"{text[: _LONG_TEXT - 1]}…" if len(text) > _LONG_TEXT else text for text in words]


def _head_words(name: str) -> list[str]:
    """Split the name of a column where it may be wrapped: after `_`, but not before a unit."""
    return re.findall(r"[^_]*_+(?:[^_]{1,2}$)?|[^_]+$", name) or [name]


def _longest_word(cell: str) -> int:
    return max(map(cell_len, cell.split()), default=0)


def _shortened(word: str) -> str:
    is_id = re.fullmatch(r"[\w./@:;,+-]*\d[\w./@:;,+-]*", word) is not None
    longest = _LONG_ID if is_id else _LONG_WORD
    end = longest // 2 - 2
    return f"{word[:end]}…{word[-end:]}" if len(word) > longest else word


@dataclass
class Layout:
    """A table for a terminal, and the names of the columns that did not fit.

    title: the day or year that all times share, and their zone.
    """

    title: str | None
    table: Table
    left_out: list[str]


def lay_out(columns: Sequence[TextColumn], width: int, zone: str = "UTC") -> Layout:
    """Fit columns into a terminal of `width` columns; `zone` names the zone of their times."""
    title = _short_cells(columns, zone)
    for narrow in (_without_milliseconds, TextColumn.shorten):
        for column in columns if _total(each.width for each in columns) > width else ():
            narrow(column)
    kept: list[TextColumn] = []
    for column in columns:
        if not kept or _total(other.least_width for other in [*kept, column]) <= width:
            kept.append(column)
    table = Table(box=_HEAD_RULE, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), border_style="dim")
    for column, column_width in zip(kept, _widths(kept, width), strict=True):
        header = Text(_wrapped_head(column.name, column_width), style="bold")
        table.add_column(
            header, justify="right" if column.is_number else "left", width=column_width, overflow="fold", vertical="top"
        )
    for cells in zip(*(column.cells for column in kept), strict=True):
        table.add_row(*cells)
    return Layout(title, table, [column.name for column in columns if column not in kept])


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + _GAP * (len(each) - 1)


def _widths(columns: Sequence[TextColumn], width: int) -> list[int]:
    """Give each column its least width, and the rest to those that need more, the smallest need first."""
    widths = [column.least_width for column in columns]
    left = width - _total(widths)
    wishes = sorted((column.width - widths[place], place) for place, column in enumerate(columns))
    for number, (wish, place) in enumerate(wishes):
        more = max(0, min(wish, left // (len(wishes) - number)))
        widths[place] += more
        left -= more
    return [min(each, width) for each in widths]


def _wrapped_head(name: str, width: int) -> str:
    lines = [""]
    for word in _head_words(name):
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def _short_cells(columns: Sequence[TextColumn], zone: str) -> str | None:
    """Shorten the cells for a terminal; return the day, or otherwise the year, that all times share."""
    times = [value for column in columns for value in column.values if _is_time(value)]
    days = {time.date() for time in times}
    is_one_day = len(days) == 1
    for column in columns:
        of_column = [value for value in column.values if _is_time(value)]
        numbers = [value for value in column.values if isinstance(value, float | Decimal)]
        if of_column and len(of_column) + column.values.count(None) == len(column.values):
            column.cells = _times(column.values, is_one_day, len({time.year for time in times}) == 1)
        elif numbers:
            column.cells = _numbers(column.values)
        else:
            column.cells = [whole_cell(value).replace("\n", " ") for value in column.values]
    years = {time.year for time in times}
    return f"{days.pop() if is_one_day else years.pop()} {zone}".rstrip() if len(years) == 1 else None


def _is_time(value: object) -> TypeGuard[datetime]:
    """Whether it is a time without an offset: others are not shortened."""
    return isinstance(value, datetime) and value.tzinfo is None


def _times(values: Sequence[datetime | None], is_one_day: bool, is_one_year: bool) -> list[str]:
    """Format times as short as they allow: whole days, minutes or seconds; milliseconds within one day only."""
    times = [value for value in values if value is not None]
    day = "%m-%d" if is_one_year else "%Y-%m-%d"
    if all(time.time().isoformat() == "00:00:00" for time in times) and not is_one_day:
        form, timespec = day, ""
    else:
        form = "" if is_one_day else f"{day} "
        is_minute = all(not time.second and not time.microsecond for time in times)
        is_second = not is_one_day or all(not time.microsecond for time in times)
        timespec = "minutes" if is_minute else "seconds" if is_second else "milliseconds"
    return [
        "" if value is None else value.strftime(form) + (value.time().isoformat(timespec=timespec) if timespec else "")
        for value in values
    ]


def _without_milliseconds(column: TextColumn) -> None:
    if not column.is_asked and any(map(_is_time, column.values)):
        column.cells = [re.sub(r"(:\d\d)\.\d+$", r"\1", cell) for cell in column.cells]


def _numbers(values: Sequence[Any]) -> list[str]:
    """Format numbers with equal decimals: three below 10, two below 100, one below 1000; no decimals that are all 0."""
    numbers = [float(value) for value in values if isinstance(value, int | float | Decimal)]
    greatest = max(map(abs, numbers))
    decimals = next((count for limit, count in ((10, 3), (100, 2), (1000, 1)) if greatest < limit), 0)
    while decimals and all(f"{number:.{decimals}f}"[-1] == "0" for number in numbers):
        decimals -= 1
    return ["" if value is None else f"{value:.{decimals}f}" for value in values]


def plain_lines(names: Sequence[str], is_number: Sequence[bool], batches: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield a table of any length with whole cells, in batches of rows. The first batch decides the widths."""
    widths: list[int] = []
    names = [printable(name) for name in names]

    def line(cells: Sequence[str]) -> str:
        padded = (
            " " * (width - cell_len(cell)) + cell if right else cell + " " * (width - cell_len(cell))
            for cell, width, right in zip(cells, widths, is_number, strict=True)
        )
        return (" " * _GAP).join(padded).rstrip()

    for rows in chain(batches, [[]]):
        texts = [[whole_cell(value).replace("\n", " ") for value in row] for row in rows]
        if not widths:
            widths = [max(map(cell_len, cells)) for cells in zip(names, *texts, strict=True)]
            yield line(names)
            yield "─" * _total(widths)
        yield from map(line, texts)


def record_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield each row as a block of lines, one for each column, with whole cells."""
    names = [printable(name) for name in names]
    width = max(map(len, names)) + _GAP
    for number, row in enumerate(rows, 1):
        yield f"── {number} {'─' * _WIDTH}"[:_WIDTH]
        for name, value in zip(names, row, strict=True):
            yield f"{name:{width}}{whole_cell(value).replace(chr(10), chr(10) + ' ' * width)}".rstrip()
