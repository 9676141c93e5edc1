"""Export: write a session in formats that other programs read."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import duckdb
import orjson

from arirecord.analytics import connect
from arirecord.analytics.views import name
from arirecord.asterisk.catalogue import event_types
from arirecord.errors import TargetExists
from arirecord.printable import formula_safe
from arirecord.session.output_file import check_folder, new_file
from arirecord.session.reader import SessionFile
from arirecord.session.rewrite import read_rows
from arirecord.session.rows import OWN_COLUMNS
from arirecord.session.seal import Progress, no_progress

__all__ = ["Form", "export_by_type", "export_lines", "export_table", "jsonl_lines"]

Form = Literal["csv", "jsonl", "parquet"]
_BATCH = 4096
_COPY = {"csv": "(FORMAT csv, HEADER)", "jsonl": "(FORMAT json)", "parquet": "(FORMAT parquet, COMPRESSION zstd)"}


def jsonl_lines(session: SessionFile, *, progress: Progress = no_progress) -> Iterator[bytes]:
    """Yield the session as `arirecord import` reads it: a line `{"t": NS, "frame": "TEXT"}` for each row, in order.

    `t` is the receipt of the row, on the recording's own monotonic clock.
    """
    started_ns = session.header.started_ns
    for count, row in enumerate(read_rows(session)):
        line = {"t": started_ns + row.elapsed_ns, "frame": row.raw}
        if row.kind != "event":
            line["kind"] = row.kind
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if count % _BATCH == 0:
            progress("exporting", count)


def export_lines(session: SessionFile, output: Path, *, force: bool = False, progress: Progress = no_progress) -> int:
    """Write `jsonl_lines` to a file; return their number.

    Raises `TargetExists` if `output` exists and not `force`, `OSError`.
    """
    count = 0
    with new_file(output, inputs=session.inputs, force=force) as path, path.open("wb") as file:
        for line in jsonl_lines(session, progress=progress):
            file.write(line)
            count += 1
    return count


def export_table(session: SessionFile, output: Path, form: Form, *, force: bool = False, csv_safe: bool = False) -> int:
    """Write all rows with all columns of the session as one table; return their number.

    csv_safe: in CSV, texts that a spreadsheet would take for formulas begin with an apostrophe.

    Raises `TargetExists` if `output` exists and not `force`, `OSError`.
    """
    with new_file(output, inputs=session.inputs, force=force) as path, connect(session, models=()) as db:
        return _copy(db, "SELECT * FROM rows ORDER BY seq", path, form, csv_safe)


def export_by_type(
    session: SessionFile, folder: Path, form: Form, *, csv_safe: bool = False, progress: Progress = no_progress
) -> dict[str, int]:
    """Write one file for each event type and each other kind of row, with the columns of that type.

    Returns the rows of each. Types that the catalogue does not know are together in `unknown`, with their JSON in
    `extra`.

    Raises `TargetExists` if `folder` exists and is not empty, `OSError`.
    """
    check_folder(folder, inputs=session.inputs)
    if folder.exists() and any(folder.iterdir()):
        raise TargetExists(f"{folder} exists and is not empty; choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.making-", dir=folder.parent))
    try:
        counts = {}
        with connect(session, models=()) as db:
            for name, query in _queries(db):
                counts[name] = _copy(db, query, made / f"{name}.{form}", form, csv_safe)
                progress("exporting", sum(counts.values()))
        if folder.exists():
            folder.rmdir()
        made.chmod(0o777 & ~_umask())
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return counts


def _queries(db: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    rows = db.execute("SELECT DISTINCT kind, type FROM rows").fetchall()
    types = {kind_type for kind, kind_type in rows if kind == "event"}
    for event_type in sorted(types & set(event_types())):
        yield event_type, f'SELECT * FROM "{event_type}" ORDER BY seq'
    leading = "seq, received_at, elapsed_ns"
    if types - set(event_types()):
        known = ", ".join(f"'{name}'" for name in event_types())
        yield (
            "unknown",
            (
                f"SELECT {leading}, type, application, asterisk_id, timestamp, extra, raw FROM events"
                f" WHERE type IS NULL OR type NOT IN ({known}) ORDER BY seq"
            ),
        )
    have = {row[0] for row in db.execute("DESCRIBE rows").fetchall()}
    kinds = {kind for kind, _ in rows} - {"event"}
    for kind in sorted(kinds & OWN_COLUMNS.keys()):
        own = "".join(f", {name}" for name in OWN_COLUMNS[kind] if name in have)
        yield kind, f"SELECT {leading}, type{own}, extra, raw FROM rows WHERE kind = '{kind}' ORDER BY seq"
    if kinds - OWN_COLUMNS.keys():
        known = ", ".join(f"'{kind}'" for kind in ("event", *OWN_COLUMNS))
        yield "other", f"SELECT {leading}, kind, raw FROM rows WHERE kind NOT IN ({known}) ORDER BY seq"


def _copy(db: duckdb.DuckDBPyConnection, query: str, path: Path, form: Form, csv_safe: bool) -> int:
    if csv_safe and form == "csv":
        columns = db.execute(f"DESCRIBE {query}").fetchall()
        texts = [name(column) for column, column_type, *_ in columns if column_type == "VARCHAR"]
        safe = ", ".join(f"{formula_safe(each)} AS {each}" for each in texts)
        query = f"SELECT * REPLACE ({safe}) FROM ({query})"
    target = str(path).replace("'", "''")
    return int(db.execute(f"COPY ({query}) TO '{target}' {_COPY[form]}").fetchall()[0][0])


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
