"""Results of queries as tables to read, CSV, JSON, JSON lines, Parquet and Markdown."""

import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from .output import Output, output_options
from .terminal import say

if TYPE_CHECKING:
    import duckdb

__all__ = ["FORMATS", "result_options", "write", "write_table"]

FORMATS = {
    "table": (".txt",),
    "csv": (".csv",),
    "json": (".json",),
    "jsonl": (".jsonl",),
    "parquet": (".parquet",),
    "markdown": (".md",),
}
_ROWS = 1000
"""A table longer than this is no table to read; the other forms are complete."""
_BATCH = 1 << 16


def result_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that lists something."""
    help = "Write there instead of to stdout; the ending decides the format."
    decorated: Callable[..., Any] = output_options(formats=FORMATS, has_format=True, has_stdout=True, help=help)(
        command
    )
    return decorated


def write(result: "duckdb.DuckDBPyRelation", output: Output) -> None:
    """Write a DuckDB relation, row by row where the format allows it.

    Raises `click.UsageError` for Parquet on a terminal.
    """
    if output.format == "parquet" and output.is_terminal:
        raise click.UsageError("Parquet is nothing for a terminal: add -o FILE")
    if output.path is not None:
        with output.file() as path:
            _write(result, output.format, path)
    else:
        _write(result, output.format)


def _write(result: "duckdb.DuckDBPyRelation", form: str, path: Path | None = None) -> None:
    if form == "table":
        write_table(result, path)
    elif path is None:
        _WRITERS[form](result, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with path.open("wb") as file:
            _WRITERS[form](result, file)


def write_table(result: "duckdb.DuckDBPyRelation", output: Path | None = None, title: str | None = None) -> None:
    """Write a relation as a table for reading."""
    from rich.console import Console
    from rich.table import Table

    rows = result.limit(_ROWS + 1).fetchall()
    table = Table(title=title, title_justify="left")
    for name, kind in zip(result.columns, result.types, strict=True):
        table.add_column(name, justify="right" if _is_number(kind) else "left", overflow="fold")
    for row in rows[:_ROWS]:
        table.add_row(*map(_cell, row))
    stream = output.open("w", encoding="utf-8") if output else sys.stdout
    try:
        # Cut to the terminal's width only where there is one; a pipe gets every cell whole.
        width = None if stream.isatty() else 10_000
        Console(file=stream, width=width, highlight=False, markup=False).print(table)
    finally:
        if output:
            stream.close()
    if len(rows) > _ROWS:
        say(f"Only the first {_ROWS:,} rows are shown; --format csv (or json, jsonl, parquet) gives all.")


def _is_number(kind: object) -> bool:
    return re.match(r"U?(TINY|SMALL|BIG|HUGE)?INT|FLOAT|DOUBLE|DECIMAL", str(kind)) is not None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return str(value)


def _csv(result: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    import polars as pl

    names = [f'"{n.replace(chr(34), chr(34) * 2)}"' for n in result.columns]
    kinds = map(str, result.types)
    flat = ", ".join(
        f"to_json({n})::VARCHAR AS {n}" if k.endswith("]") or k.startswith(("STRUCT", "MAP")) else n
        for n, k in zip(names, kinds, strict=True)
    )
    for number, batch in enumerate(result.project(flat).fetch_arrow_reader(_BATCH)):
        # Not straight to the file: polars would take a reader that has had enough (`| head`) for an error.
        text = io.BytesIO()
        pl.DataFrame(batch).write_csv(text, include_header=number == 0)
        file.write(text.getbuffer())


def _lines(result: "duckdb.DuckDBPyRelation") -> Iterator[bytes]:
    import polars as pl

    for batch in result.fetch_arrow_reader(_BATCH):
        text = io.BytesIO()
        pl.DataFrame(batch).write_ndjson(text)
        yield text.getvalue()


def _jsonl(result: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    for lines in _lines(result):
        file.write(lines)


def _json(result: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    before = b"[\n"
    for lines in _lines(result):
        for line in lines.splitlines():
            file.write(before + line)
            before = b",\n"
    file.write(b"\n]\n" if before == b",\n" else b"[]\n")


def _markdown(result: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    def write_row(cells: Iterable[str]) -> None:
        escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>") for cell in cells)
        file.write(f"| {' | '.join(escaped)} |\n".encode())

    write_row(result.columns)
    write_row("---:" if _is_number(kind) else "---" for kind in result.types)
    for batch in result.fetch_arrow_reader(_BATCH):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            write_row(map(_cell, row))


def _parquet(result: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    import pyarrow.parquet as pq

    reader = result.fetch_arrow_reader()
    with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


_WRITERS: dict[str, Callable[["duckdb.DuckDBPyRelation", IO[bytes]], None]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "markdown": _markdown,
}
