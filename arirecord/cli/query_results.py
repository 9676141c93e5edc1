"""Results of queries as tables, CSV, JSON, JSON lines, Parquet and Markdown."""

import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

import click

from arirecord.printable import SafeStream, formula_safe

from .console import machine_output, say
from .output import Output, csv_safe_option, output_options

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["FORMATS", "TableView", "result_options", "show_rows", "write"]

FORMATS = {
    "table": (".txt",),
    "csv": (".csv",),
    "json": (".json",),
    "jsonl": (".jsonl",),
    "parquet": (".parquet",),
    "markdown": (".md",),
}
Writable = IO[bytes] | SafeStream
_ROWS = 1000
"""Rows of a table on a terminal; pipes and files get all."""
_NAMED = 6
"""Columns that a message names."""
_BATCH = 1 << 16
_ROW_GROUP = 1_000_000
_NESTED = ("array", "list", "map", "struct")
_FOREIGN = re.compile(r"BIGNUM|BIT|BLOB|GEOMETRY|INTERVAL|NULL|TIME WITH|UNION|VARIANT")
"""Types that polars cannot write as text."""
_AS_TEXT = ("INTERVAL", "TIME_", "TIME W", "TIMESTAMP_NS", "UUID")


def result_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that prints a table."""
    command = click.option("--vertical", is_flag=True, help="Print one block per row, with every column.")(command)
    command = csv_safe_option(command)
    help = "Write there instead of to stdout; the ending decides the format."
    decorate = output_options(formats=FORMATS, has_format=True, has_stdout=True, help=help)
    decorated: Callable[..., Any] = decorate(command)
    return decorated


@dataclass(frozen=True)
class TableView:
    """The layout of a table on a terminal.

    zone: the zone of its times; empty if unknown.
    hidden: names of columns that are not in the result because others were chosen for the terminal.
    is_asked: the user named the columns: ids and times are not shortened.
    is_whole: all columns are printed: if they do not fit, print one block per row.
    show_all: the options that show the hidden columns.
    """

    zone: str = "UTC"
    hidden: Sequence[str] = ()
    is_asked: bool = False
    is_whole: bool = False
    show_all: str = "--vertical"


class _Rows:
    """The rows of a DuckDB relation, which is evaluated once; `count` is the number of rows read so far."""

    def __init__(self, relation: "duckdb.DuckDBPyRelation") -> None:
        self._relation = relation
        self.columns, self.types = relation.columns, relation.types
        self.count = 0

    def named_types(self) -> "Iterator[tuple[str, duckdb.sqltypes.DuckDBPyType]]":
        """Yield each column: its name, quoted for SQL, and its type."""
        return zip((f'"{name.replace(chr(34), chr(34) * 2)}"' for name in self.columns), self.types, strict=True)

    def read(self, columns: str = "*", size: int = _BATCH) -> "tuple[pa.Schema, Iterator[pa.RecordBatch]]":
        """Return the schema and batches of rows; `columns` is the SQL of columns."""
        reader = self._relation.project(columns).to_arrow_reader(size)
        return reader.schema, self._counted(reader)

    def _counted(self, batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        for batch in batches:
            self.count += batch.num_rows
            yield batch


def write(result: "duckdb.DuckDBPyRelation", output: Output, view: TableView | None = None) -> int:
    """Write a DuckDB relation, row by row if the format allows it, and return the number of rows.

    Raises `click.UsageError` for Parquet on a terminal.
    """
    if output.format == "parquet" and output.is_terminal:
        raise click.UsageError("Parquet cannot be shown on a terminal: add -o FILE")
    if output.is_terminal and output.format == "table":
        rows = _Rows(result.limit(_ROWS + 1))
        _show(rows, output, view or TableView())
        return rows.count
    rows = _Rows(result)
    write_rows = _blocks if output.vertical else _WRITERS[output.format]
    if output.format == "csv":
        write_rows = partial(_csv, is_safe=output.csv_safe)
    with _advising_casts(output.format):
        if output.path is None:
            out = machine_output()
            write_rows(rows, out)
            out.flush()
            return rows.count
        with output.file() as path, path.open("wb") as file:
            write_rows(rows, file)
    return rows.count


@contextmanager
def _advising_casts(form: str) -> Iterator[None]:
    """Report values that Python or polars cannot hold, such as the timestamp `infinity`."""
    try:
        yield
    except BaseException as error:
        # The libraries take a while to load: only what loaded them can raise their errors.
        polars, arrow = sys.modules.get("polars"), sys.modules.get("pyarrow")
        kinds: list[type[BaseException]] = [OverflowError]
        kinds += [polars.exceptions.PolarsError, polars.exceptions.PanicException] if polars else []
        kinds += [arrow.ArrowException] if arrow else []
        if not isinstance(error, tuple(kinds)):
            raise
        message = next(iter(str(error).splitlines()), "")
        raise click.ClickException(f"A value cannot be written as {form}: {message}. Cast it to VARCHAR.") from error


def _show(result: _Rows, output: Output, view: TableView) -> None:
    rows = list(chain.from_iterable(_batches(result)))
    kinds = [_is_number(column_type) for column_type in result.types]
    show_rows(result.columns, kinds, rows[:_ROWS], view, vertical=output.vertical)
    if len(rows) > _ROWS:
        say(f"Only the first {_ROWS:,} rows are shown; `-o FILE.csv`, another format or a pipe gives all.")


def show_rows(
    names: Sequence[str],
    is_number: Sequence[bool],
    rows: Sequence[Sequence[Any]],
    view: TableView,
    *,
    vertical: bool = False,
) -> None:
    """Print rows on stdout: for the width of a terminal, or whole to a pipe."""
    from .table_text import TextColumn, lay_out, plain_lines, record_lines

    if not vertical and not sys.stdout.isatty():
        _print_lines(plain_lines(names, is_number, [rows]))
        return
    if not vertical:
        from rich.console import Console

        console = Console(highlight=False, markup=False, emoji=False)
        cells = list(zip(*rows, strict=True)) or [()] * len(names)
        columns = [TextColumn(*each, view.is_asked) for each in zip(names, cells, is_number, strict=True)]
        layout = lay_out(columns, console.width, view.zone)
        if not (view.is_whole and layout.left_out):
            if layout.title:
                console.print(layout.title, style="dim")
            console.print(layout.table)
            if note := _not_shown(layout.left_out, view, console.width):
                say(note)
            return
    _print_lines(record_lines(names, rows))


def _print_lines(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _not_shown(left_out: Sequence[str], view: TableView, width: int) -> str:
    """Return one line about the columns that are not printed, with as many of the names as fit into it."""
    count = len(left_out) + len(view.hidden)
    note = f"{count} more column{'s' * (count != 1)}: {view.show_all}." if count else ""
    for named in range(1, min(len(left_out), _NAMED) + 1):
        more = f" and {count - named} more" if count > named else ""
        longer = f"Not shown: {', '.join(left_out[:named])}{more}: {view.show_all}."
        note = longer if len(longer) <= width else note
    return note


def _is_number(column_type: object) -> bool:
    return re.match(r"U?(TINY|SMALL|BIG|HUGE)?INT|FLOAT|DOUBLE|DECIMAL", str(column_type)) is not None


def _in_text_format(
    name: str, column_type: "duckdb.sqltypes.DuckDBPyType", *, is_flat: bool = False, is_safe: bool = False
) -> str:
    """Return SQL for a column that polars can write as CSV (if `is_flat`) or JSON.

    is_safe: a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    is_nested = column_type.id in _NESTED
    sql = name
    if _FOREIGN.search(str(column_type)) or (is_nested and is_flat):
        sql = f"to_json({name})::VARCHAR" if is_nested else f"{name}::VARCHAR"
    if is_safe and (sql != name or column_type.id in ("varchar", "enum")):
        sql = formula_safe(sql)
    return f"{sql} AS {name}"


def _csv(result: _Rows, file: Writable, *, is_safe: bool = False) -> None:
    import polars as pl

    flat = ", ".join(_in_text_format(*column, is_flat=True, is_safe=is_safe) for column in result.named_types())
    schema, batches = result.read(flat)
    for number, batch in enumerate(chain([schema.empty_table()], batches)):  # without rows, print the header too
        # Not directly to the file: polars reports a reader that closed the pipe (`| head`) as an error.
        text = io.BytesIO()
        pl.DataFrame(batch).write_csv(text, include_header=number == 0)
        file.write(text.getbuffer())


def _lines(result: _Rows) -> Iterator[bytes]:
    import polars as pl

    for batch in result.read(", ".join(_in_text_format(*column) for column in result.named_types()))[1]:
        text = io.BytesIO()
        pl.DataFrame(batch).write_ndjson(text)
        yield text.getvalue()


def _jsonl(result: _Rows, file: Writable) -> None:
    for lines in _lines(result):
        file.write(lines)


def _json(result: _Rows, file: Writable) -> None:
    before = b"[\n"
    for lines in _lines(result):
        for line in lines.splitlines():
            file.write(before + line)
            before = b",\n"
    file.write(b"\n]\n" if before == b",\n" else b"[]\n")


def _batches(result: _Rows) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows in batches of some thousands; types that Arrow prints unlike DuckDB are cast to text."""
    safe = ", ".join(
        f"{name}::VARCHAR AS {name}" if str(column_type).startswith(_AS_TEXT) else name
        for name, column_type in result.named_types()
    )
    for batch in result.read(safe, _ROWS)[1]:
        yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _table(result: _Rows, file: Writable) -> None:
    from .table_text import plain_lines

    for line in plain_lines(result.columns, list(map(_is_number, result.types)), _batches(result)):
        file.write(f"{line}\n".encode())


def _blocks(result: _Rows, file: Writable) -> None:
    from .table_text import record_lines

    for line in record_lines(result.columns, chain.from_iterable(_batches(result))):
        file.write(f"{line}\n".encode())


def _markdown(result: _Rows, file: Writable) -> None:
    from .table_text import whole_cell

    def write_row(cells: Iterable[str]) -> None:
        escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>") for cell in cells)
        file.write(f"| {' | '.join(escaped)} |\n".encode())

    write_row(map(whole_cell, result.columns))
    write_row("---:" if _is_number(column_type) else "---" for column_type in result.types)
    for row in chain.from_iterable(_batches(result)):
        write_row(map(whole_cell, row))


def _parquet(result: _Rows, file: Writable) -> None:
    import pyarrow.parquet as pq

    schema, batches = result.read(size=_ROW_GROUP)
    assert not isinstance(file, SafeStream)  # Parquet is not written to a terminal
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


_WRITERS: dict[str, Callable[[_Rows, Writable], None]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "markdown": _markdown,
}
