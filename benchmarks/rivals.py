"""What a user would write instead of `seal` and `import`; run as `python -m benchmarks.rivals NAME INPUT OUTPUT`."""

import sys
from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

_ROWS = 100_000


def script(source: Path, target: Path) -> None:
    """The usual script: every frame decoded and flattened in Python, all columns, the text kept."""
    tables: list[pa.Table] = []
    rows: list[dict[str, Any]] = []
    with source.open("rb") as file:
        for line in file:
            record = orjson.loads(line)
            row = {"t": record["t"], "raw": record["frame"]}
            _flatten(orjson.loads(record["frame"]), "", row)
            rows.append(row)
            if len(rows) == _ROWS:
                tables.append(_table(rows))
                rows = []
    if rows:
        tables.append(_table(rows))
    pq.write_table(pa.concat_tables(tables, promote_options="permissive"), target, compression="zstd")


def _flatten(value: dict[str, Any], before: str, row: dict[str, Any]) -> None:
    for name, inner in value.items():
        if isinstance(inner, dict):
            _flatten(inner, f"{before}{name}_", row)
        else:
            row[before + name] = inner


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    # from_pylist takes the columns of the first row only: give it all there are.
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])


def duckdb_copy(source: Path, target: Path) -> None:
    """DuckDB reads bare frames into one wide table and writes it."""
    duckdb.execute(
        f"COPY (SELECT * FROM read_json('{source}', format = 'newline_delimited', union_by_name = true, "
        f"sample_size = -1)) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )


def polars_copy(source: Path, target: Path) -> None:
    """The same in polars."""
    pl.read_ndjson(source, infer_schema_length=None).write_parquet(target)


if __name__ == "__main__":
    {"script": script, "duckdb_copy": duckdb_copy, "polars_copy": polars_copy}[sys.argv[1]](
        Path(sys.argv[2]), Path(sys.argv[3])
    )
