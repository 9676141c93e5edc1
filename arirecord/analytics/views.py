"""A session as SQL views: all rows, all events, and one view for each event type that ARI knows."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from arirecord.ari.catalogue import Column, ColumnType, columns_of, event_types
from arirecord.session.reader import Session

__all__ = ["event_views", "name", "row_views", "text", "views_named_in"]

_SQL: Mapping[ColumnType, str] = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "strings": "VARCHAR[]",
    "json": "VARCHAR",
}
_TOGETHER = {
    "bridge_events": ("ChannelEnteredBridge", "ChannelLeftBridge"),
    "playback_events": ("PlaybackStarted", "PlaybackContinuing", "PlaybackFinished"),
    "recording_events": ("RecordingStarted", "RecordingFinished", "RecordingFailed"),
}
"""Types that models read together; the types of one view have the same columns."""
_LEADING = ("seq", "received_at", "elapsed_ns", "type", "application", "asterisk_id", "timestamp")
_NO_ROWS = (
    "SELECT NULL::BIGINT AS seq, NULL::TIMESTAMP AS received_at, NULL::BIGINT AS elapsed_ns, NULL::VARCHAR AS kind, "
    "NULL::VARCHAR AS type, NULL::VARCHAR AS application, NULL::VARCHAR AS asterisk_id, "
    "NULL::TIMESTAMP AS timestamp, NULL::VARCHAR AS extra, NULL::VARCHAR AS raw WHERE false"
)


def row_views(session: Session | None) -> Iterator[str]:
    """Statements that make the views of all rows and of all events (None: without rows)."""
    yield f"CREATE VIEW rows AS {_rows(session.paths) if session else _NO_ROWS}"
    yield "CREATE VIEW events AS SELECT * FROM rows WHERE kind = 'event'"


def event_views(session: Session | None) -> Mapping[str, str]:
    """For each view of events of one type, or of several, the statement that makes it, above those of all rows."""
    present = {column for part in session.parts for column in part.schema.names} if session else set()
    # One scan of the file instead of one for each type.
    conditions = {"channel_events": "channel_id IS NOT NULL"}
    conditions |= {view: f"type IN ({', '.join(map(text, types))})" for view, types in _TOGETHER.items()}
    conditions |= {event_type: f"type = {text(event_type)}" for event_type in event_types()}
    return {view: _event_view(view, condition, present) for view, condition in conditions.items()}


def views_named_in(sql: str) -> set[str]:
    """Views of events that a statement may read: names mean the same in small letters, and in quotes."""
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    return {view for view in (*_TOGETHER, "channel_events", *event_types()) if view.lower() in words}


def name(identifier: str) -> str:
    """An identifier as SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string as SQL."""
    return "'" + value.replace("'", "''") + "'"


def _rows(paths: Sequence[Path]) -> str:
    """SQL for the rows of all files. Where a file counts `seq` anew, it goes on after that of the file before."""
    files = ", ".join(text(str(path)) for path in paths)
    read = f"read_parquet([{files}], union_by_name = true, filename = true)"
    if len(paths) == 1:
        return f"SELECT * EXCLUDE (filename) FROM {read}"
    spans = duckdb.connect().execute(f"SELECT filename, min(seq), max(seq) FROM {read} GROUP BY filename").fetchall()
    last, shifts = -1, {}
    for path, first_of_file, last_of_file in sorted(spans, key=lambda span: paths.index(Path(span[0]))):
        shifts[path] = max(last + 1 - first_of_file, 0)
        last = last_of_file + shifts[path]
    cases = " ".join(f"WHEN {text(path)} THEN {shift}" for path, shift in shifts.items() if shift)
    shift = f"CASE filename {cases} ELSE 0 END" if cases else "0"
    return f"SELECT * EXCLUDE (filename) REPLACE (seq + {shift} AS seq) FROM {read}"


def _event_view(view: str, condition: str, present: set[str]) -> str:
    columns = [name(column) for column in _LEADING]
    for column in _columns(view):
        quoted = name(column.name)
        columns.append(quoted if column.name in present else f"CAST(NULL AS {_SQL[column.type]}) AS {quoted}")
    select = ", ".join([*columns, "extra", "raw"])
    events = f"SELECT {select} FROM rows WHERE kind = 'event'"
    return f"CREATE VIEW {name(view)} AS SELECT * FROM ({events}) WHERE {condition}"


def _columns(view: str) -> Iterable[Column]:
    """The columns of a view besides those that all have."""
    return columns_of("ChannelCreated" if view == "channel_events" else _TOGETHER.get(view, (view,))[0])
