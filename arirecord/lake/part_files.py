"""Parts of a lake: sessions with all columns of the catalogue, in one order."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pyarrow as pa

from arirecord.asterisk.catalogue import event_types
from arirecord.session.columnar.residuals import nulls
from arirecord.session.columnar.table import session_schema
from arirecord.session.header import KEY, Drift, Header
from arirecord.session.header_stats import HeaderStats
from arirecord.session.parquet import GroupWriter, session_writer
from arirecord.session.rows import OWN_COLUMNS
from arirecord.session.seal import Progress, no_progress

__all__ = ["CONTENTS", "contents_of", "lake_schema", "with_all_columns", "write_tables"]

CONTENTS = "contents"
"""Key in the header of a part: the digests of the content that `arirecord ingest` has put into it."""


@cache
def lake_schema() -> pa.Schema:
    """Return the columns of each part: those of all event types, and of all kinds of rows."""
    return session_schema([*event_types(), *OWN_COLUMNS])


def contents_of(header: Header) -> list[str]:
    """Return the digests of the content of a part; none if `arirecord ingest` has not made it."""
    contents = header.other.get(CONTENTS)
    return [str(digest) for digest in contents] if isinstance(contents, list) else []


def with_all_columns(batch: pa.RecordBatch) -> pa.Table:
    """Return rows with the columns of a lake; their other columns are null."""
    there = set(batch.schema.names)
    arrays = [batch[field.name] if field.name in there else nulls(field.type, len(batch)) for field in lake_schema()]
    return pa.Table.from_arrays(arrays, schema=lake_schema())


def write_tables(
    tables: Iterable[pa.Table],
    path: Path,
    header: Header,
    server: str | None,
    drift: Drift,
    progress: Progress = no_progress,
) -> None:
    """Write rows with the columns of a lake as a session. `header` gets the counts, and `drift` when all are read.

    server: the server of the rows, which the header names also if it has no event of it.
    """
    stats = HeaderStats()
    with session_writer(path, lake_schema()) as writer, GroupWriter(writer) as groups:
        for table in tables:
            groups.add(table)
            stats.add(table)
            progress("writing", stats.rows)
        groups.flush()
        stats.into(header)
        header.drift = {what: dict(places) for what, places in drift.counts.items()} or header.drift
        if server is not None:
            header.asterisk_ids.setdefault(server, 0)
        writer.add_key_value_metadata({KEY: header.dump()})
