"""A session as SQL views: all rows, all events, and one view for each ARI event type."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from arirecord.asterisk.catalogue import Column, ColumnType, columns_of, event_types
from arirecord.session.reader import SessionFile
from arirecord.session.recorded_time import RecordedTime
from arirecord.session.servers import Server

from .private_folder import plain_path

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
    "hold_events": ("ChannelHold", "ChannelUnhold"),
    "playback_events": ("PlaybackStarted", "PlaybackContinuing", "PlaybackFinished"),
    "recording_events": ("RecordingStarted", "RecordingFinished", "RecordingFailed"),
    "talking_events": ("ChannelTalkingFinished", "ChannelTalkingStarted"),
}
"""Types that models read together; the first one has the columns of all."""
_LEADING = ("seq", "received_at", "elapsed_ns", "type", "application", "asterisk_id", "timestamp")
_OWN = ("connection_", "rest_", "mark_")
"""Prefixes of the columns of rows other than events."""
_READ = "hive_partitioning = false"
"""A folder named `kind=x` is not a column."""
_SIZES = "application, type, event_count, mean_bytes, is_estimated"
_NO_ROWS = (
    "SELECT NULL::BIGINT AS seq, NULL::TIMESTAMP AS received_at, NULL::BIGINT AS elapsed_ns, NULL::VARCHAR AS kind, "
    "NULL::VARCHAR AS type, NULL::VARCHAR AS application, NULL::VARCHAR AS asterisk_id, "
    "NULL::TIMESTAMP AS timestamp, NULL::VARCHAR AS extra, NULL::VARCHAR AS raw WHERE false"
)


def row_views(session: SessionFile | None, server: Server | None = None) -> Iterator[str]:
    """Return the statements that create the views of all rows, all events and the recorded time.

    session: None creates views without rows.
    server: the server whose rows the views have; None stands for all.
    """
    source = _source(session, server)
    select = f"SELECT {source.columns} FROM {source.read}"
    yield f"CREATE VIEW rows AS {select} WHERE kind <> 'event' OR {source.is_own}"
    # Directly from the files: through the view above every statement would take 10 ms longer.
    yield f"CREATE VIEW events AS {select} WHERE kind = 'event' AND {source.is_own}"
    yield f"CREATE VIEW recorded_spans AS {_recorded_spans(session, server)}"
    yield f"CREATE VIEW recording_gaps AS {_recording_gaps(session, server)}"


def event_views(session: SessionFile | None, server: Server | None = None) -> Mapping[str, str]:
    """Return, by view, the statements that create the views of events by type, of other rows and of sizes.

    The file is not searched for types that the session's header counts as zero. `server` as in `row_views`.
    """
    source, header = _source(session, server), session.header if session else None
    parts = [session.parts[n] for n in (server.parts if server else range(len(session.parts)))] if session else []
    present = {column for part in parts for column in part.schema.names}
    is_counted = header is not None and sum(header.types.values()) == header.events
    types = {view: _TOGETHER.get(view, (view,)) for view in (*_TOGETHER, *event_types())}
    views = {
        "other_rows": _other_rows(present, source if header and header.rows > header.events else _NOWHERE),
        "event_sizes": f"CREATE VIEW event_sizes AS {(not server and _sizes(session)) or _weighing(session)}",
        "channel_events": _event_view("channel_events", "channel_id IS NOT NULL", present, source),
    }
    # One scan of the file for types that are read together.
    for view, of_view in types.items():
        condition = f"type IN ({', '.join(map(text, of_view))})" if len(of_view) > 1 else f"type = {text(view)}"
        is_there = not (is_counted and header and header.types.keys().isdisjoint(of_view))
        views[view] = _event_view(view, condition, present, source if is_there else _NOWHERE)
    return views


def views_named_in(sql: str) -> set[str]:
    """Return the views of events that a statement may read. Case and quotes of names do not matter."""
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    views = ("other_rows", "event_sizes", "channel_events", *_TOGETHER, *event_types())
    return {view for view in views if view.lower() in words}


def name(identifier: str) -> str:
    """Quote an identifier for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a string for SQL."""
    return "'" + value.replace("'", "''") + "'"


class _Source(NamedTuple):
    """Source of rows: the text to `read` from after FROM, and the SQL of all `columns` and of `seq`.

    is_own: condition on the events that are of the server.
    """

    read: str
    columns: str = "*"
    seq: str = "seq"
    is_own: str = "true"


_NOWHERE = _Source(f"({_NO_ROWS})")


def _source(session: SessionFile | None, server: Server | None) -> _Source:
    """Return the rows of all files. If a file restarts `seq`, it continues after the previous file's."""
    if session is None:
        return _NOWHERE
    numbers = server.parts if server else range(len(session.parts))
    paths = {number: text(plain_path(session.parts[number].path)) for number in numbers}
    shared = [paths[number] for number in paths if server and number in server.shared_parts]
    own_paths = ", ".join(path for path in paths.values() if path not in shared)
    is_own = "true"
    if server and shared:
        is_own = f"COALESCE(asterisk_id, '') = {text(server.name or '')}"
        is_own = f"({is_own} OR filename IN ({own_paths}))" if own_paths else is_own
    if len(session.parts) < 2:
        return _Source(f"read_parquet({paths[0]}, {_READ})", is_own=is_own)
    read = f"read_parquet([{', '.join(paths.values())}], {_READ}, union_by_name = true, filename = true)"
    shifts = {number: session.seq_shifts[number] for number in numbers}
    cases = " ".join(f"WHEN {paths[number]} THEN {shift}" for number, shift in shifts.items() if shift)
    shift = f"CASE filename {cases} ELSE 0 END" if cases else "0"
    return _Source(read, f"* EXCLUDE (filename) REPLACE (seq + {shift} AS seq)", f"seq + {shift} AS seq", is_own)


def _recorded_time(session: SessionFile | None, server: Server | None) -> RecordedTime:
    if session is None:
        return RecordedTime((), ())
    return session.recorded_time_of(server.parts) if server else session.recorded_time


def _recorded_spans(session: SessionFile | None, server: Server | None) -> str:
    spans = _recorded_time(session, server).spans
    rows = [f"({_moment(span.begin_ns)}, {_moment(span.end_ns)})" for span in spans]
    return _values("begin_at, end_at", rows, "(NULL::TIMESTAMP, NULL::TIMESTAMP)")


def _recording_gaps(session: SessionFile | None, server: Server | None) -> str:
    gaps = _recorded_time(session, server).gaps
    rows = [
        # A gap between two parts has the number reserved for it, one before the part's first.
        f"({gap.seq + session.seq_shifts[gap.part] - gap.is_between}::BIGINT, "
        f"{_moment(gap.begin_ns)}, {_moment(gap.end_ns)}, {gap.is_between})"
        for gap in gaps
        if session
    ]
    columns = "seq, begin_at, end_at, is_between_parts"
    return _values(columns, rows, "(NULL::BIGINT, NULL::TIMESTAMP, NULL::TIMESTAMP, NULL::BOOLEAN)")


def _values(columns: str, rows: Sequence[str], nothing: str) -> str:
    """Return SQL for rows of constants; `nothing` is a row of typed NULLs."""
    return f"FROM (VALUES {', '.join(rows or [nothing])}) AS constants ({columns})" + ("" if rows else " WHERE false")


def _moment(ns: int) -> str:
    return f"make_timestamp({ns // 1000})"


def _event_view(view: str, condition: str, present: set[str], source: _Source) -> str:
    # Directly from the files: a `SELECT *` of all columns in between would cost every statement 10 ms.
    columns = [source.seq, *map(name, _LEADING[1:])]
    for column in _columns(view):
        quoted, is_there = name(column.name), column.name in present and source is not _NOWHERE
        columns.append(quoted if is_there else f"CAST(NULL AS {_SQL[column.type]}) AS {quoted}")
    select = ", ".join([*columns, "extra", "raw"])
    where = f"kind = 'event' AND {source.is_own} AND {condition}"
    return f"CREATE VIEW {name(view)} AS SELECT {select} FROM {source.read} WHERE {where}"


def _other_rows(present: set[str], source: _Source) -> str:
    own = sorted(name(column) for column in present if column.startswith(_OWN) and source is not _NOWHERE)
    select = ", ".join([source.seq, "received_at", "elapsed_ns", "kind", "type", *own, "raw"])
    return f"CREATE VIEW other_rows AS SELECT {select} FROM {source.read} WHERE kind <> 'event'"


def _sizes(session: SessionFile | None) -> str | None:
    """Return SQL for events and bytes by type, from the header; None if the header does not have them all."""
    applications, sizes = (session.header.applications, session.header.type_bytes) if session else ({}, None)
    # The header does not separate applications, and names a missing type like an empty one.
    if not sizes or len(applications) != 1 or "" in {*applications, *sizes}:
        return None
    rows = ", ".join(
        f"({text(*applications)}, {text(t)}, {n}::BIGINT, {size} / {n}, false)" for t, (n, size) in sizes.items()
    )
    return f"FROM (VALUES {rows}) AS sizes ({_SIZES})"


def _weighing(session: SessionFile | None) -> str:
    """Return SQL for the same from the files. In a long recording, blocks spread evenly over it are measured."""
    every = max(session.header.events // 250_000, 1) if session else 1
    weighed = f"avg(strlen(raw)) FILTER ((seq // 20480) % {every} = 0)"
    counted = f"SELECT application, type, count(*), {weighed}, {every > 1} FROM events GROUP BY application, type"
    return f"FROM ({counted}) AS sizes ({_SIZES})"


def _columns(view: str) -> Iterable[Column]:
    """Return the columns of a view besides the common ones."""
    return columns_of("ChannelCreated" if view == "channel_events" else _TOGETHER.get(view, (view,))[0])
