"""A session as SQL views: all rows, all events, and one view for each ARI event type."""

import re
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from functools import cache
from typing import NamedTuple

from arirecord.asterisk.catalogue import ColumnType, columns_of, event_types
from arirecord.session.reader import SessionFile
from arirecord.session.recorded_time import RecordedTime
from arirecord.session.servers import Server
from arirecord.session.temporary_folder import plain_path

__all__ = ["EVENT_VIEWS", "ROW_VIEWS", "SeqRange", "SessionViews", "name", "text", "words_of"]

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
ROW_VIEWS = ("rows", "events", "recorded_spans", "recording_gaps")
"""Views of all rows, of all events, of the recorded time and of the gaps in it."""
_MOST_TYPES = 1000
"""DuckDB needs 2 GB to read 60,000 rows of constants; Asterisk has about 60 types."""
EVENT_VIEWS = ("other_rows", "event_sizes", "channel_events", *_TOGETHER, *event_types())
"""Views of the other rows, of the sizes of events, and of events by type."""
_READ_VIEW = re.compile(rf"\b(FROM|JOIN) ({'|'.join((*ROW_VIEWS, *EVENT_VIEWS))})\b")
_LEADING = {
    "received_at": "TIMESTAMP",
    "elapsed_ns": "BIGINT",
    "type": "VARCHAR",
    "application": "VARCHAR",
    "asterisk_id": "VARCHAR",
    "timestamp": "TIMESTAMP",
}
_COMMON = (*_LEADING, "kind", "extra", "raw")
"""Columns that every session has, besides `seq`."""
_OWN = ("connection_", "rest_", "mark_")
"""Prefixes of the columns of rows other than events."""
_OF_A_CONNECTION = {"seq", "received_at", "elapsed_ns", "kind", "application", "raw", "raw_template"}
"""Columns in which copies of an event can differ."""
_OF_AN_APPLICATION = (
    "ApplicationMoveFailed", "ApplicationReplaced", "ChannelUserevent", "StasisEnd", "StasisStart",
)  # fmt: skip
"""Types whose events for two applications are two events."""
_REPEATED = (
    "ChannelHangupRequest", "ChannelVarset", "DeviceStateChanged", "PlaybackFinished", "PlaybackStarted",
    "RecordingFinished", "RecordingStarted",
)  # fmt: skip
"""Types of which Asterisk sends equal events to one application within a millisecond."""
_READ = "hive_partitioning = false"
"""A folder named `kind=x` is not a column."""
_SIZES = "application, type, event_count, mean_bytes, is_estimated"
_NO_ROWS = "SELECT NULL::BIGINT AS seq, " + ", ".join(
    f"NULL::{_LEADING.get(column, 'VARCHAR')} AS {column}" for column in _COMMON
)


class SeqRange(NamedTuple):
    """Rows by `seq`, from the first to the last one."""

    first_seq: int
    last_seq: int

    def with_others(self, others: "SeqRange") -> "SeqRange":
        """Return the rows from the first to the last one of both."""
        return SeqRange(min(self.first_seq, others.first_seq), max(self.last_seq, others.last_seq))


class SessionViews:
    """The views `ROW_VIEWS` and `EVENT_VIEWS` of a session (None: without rows).

    server: the server whose rows the views have; None stands for all.

    `left_out` is SQL for the `seq` of events that models do not read, `columns` are those of the `session`.
    """

    left_out = ""

    def __init__(self, session: SessionFile | None, server: Server | None = None) -> None:
        self.session, self._server = session, server
        self._source, header = _source(session, server), session.header if session else None
        parts = [session.parts[n] for n in (server.parts if server else range(len(session.parts)))] if session else []
        schemas = {id(part.schema): part.schema for part in parts}  # parts of a lake share one
        self.columns = {column for schema in schemas.values() for column in schema.names}
        self._types = header.types.keys() if header and sum(header.types.values()) == header.events else None
        self._has_other_rows = header is not None and header.rows > header.events

    @property
    def is_one_recording(self) -> bool:
        """Whether the rows are one whole recording: one file that is not a part of a lake."""
        parts = self.session.parts if self.session else ()
        return len(parts) == 1 and "contents" not in parts[0].header.other

    def create(self, view: str) -> str:
        """Return the statement that creates a view."""
        return f"CREATE VIEW {name(view)} AS {self._select(view)}"

    def written_into(self, sql: str) -> str:
        """Return a model's SQL with the views of rows and events written out, with the columns that the model names.

        DuckDB binds every column of a view wherever it is read: `Dial` has a hundred, and a model reads ten.
        """
        words = words_of(sql)
        return _READ_VIEW.sub(lambda read: f"{read[1]} ({self._select(read[2], words)}) AS {read[2]}", sql)

    def copies(self, among: str = "") -> str | None:
        """Return SQL for the `seq` of each event that repeats another one; None if there cannot be any.

        among: SQL for the `seq` of the events that are compared; empty: all.
        Of types that Asterisk itself repeats, an application's events are copies only of those that another application
        or another part received: the second one of the second one, and so on.
        """
        header = self.session.header if self.session else None
        if not self.session or not header or not header.events:
            return None
        is_live = header.source.get("verb") in ("capture", "tap")
        if len(header.applications) < 2 and len(self.session.parts) < 2 and is_live:
            return None
        columns = sorted(c for c in self.columns - _OF_A_CONNECTION if not c.startswith(_OWN))
        owner = f"CASE WHEN type IN {_OF_AN_APPLICATION} THEN application END"
        receipt = "CASE WHEN timestamp IS NULL THEN date_trunc('milliseconds', received_at) END"
        content = ", ".join([owner, receipt, *map(name, columns)])
        receiver = "application" if len(self.session.parts) < 2 else "application, filename"
        is_compared = f" AND {self._source.seq_value} IN ({among})" if among else ""
        return f"""
            WITH hashed AS MATERIALIZED (
                SELECT {self._source.seq}, type, {receiver}, hash({content}) AS content
                FROM {self._source.read}
                WHERE kind = 'event' AND {self._source.is_own} AND type <> 'RESTResponse'{is_compared}
            ),

            repeated AS (
                SELECT
                    seq, content,
                    CASE
                        WHEN type IN {_REPEATED} THEN row_number() OVER (PARTITION BY content, {receiver} ORDER BY seq)
                    END AS occurrence
                FROM hashed
                WHERE content IN (SELECT content FROM hashed GROUP BY content HAVING count(*) > 1)
            )

            SELECT seq
            FROM repeated
            QUALIFY row_number() OVER (PARTITION BY content, occurrence ORDER BY seq) > 1
        """

    def scan(self, columns: str, condition: str) -> str:
        """Return SQL for `seq` and further columns of the rows that meet a condition."""
        condition = f"({condition}) AND (kind <> 'event' OR {self._source.is_own})"
        return (
            f"SELECT {', '.join(filter(None, (self._source.seq, columns)))} FROM {self._source.read} WHERE {condition}"
        )

    def is_in(self, rows: SeqRange) -> str:
        """Return the condition that a row is one of these."""
        return f"{self._source.seq_value} BETWEEN {rows.first_seq} AND {rows.last_seq}"

    def copied(self, rows: SeqRange, table: str) -> tuple[str, "SessionViews"]:
        """Return the statement that copies rows into a table, and the views that models read from there."""
        is_own = f"(kind <> 'event' OR {self._source.is_own}) AND {self.is_in(rows)}"
        # No model reads the text of an event.
        replaced = f"{self._source.seq_value} AS seq, CASE WHEN kind <> 'event' THEN raw END AS raw"
        copied = copy(self)
        copied._source = _Source(table)
        return f"CREATE TABLE {table} AS SELECT * REPLACE ({replaced}) FROM {self._source.read} WHERE {is_own}", copied

    def _left_out(self, source: "_Source", words: Collection[str] | None) -> str:
        """Return a condition that leaves out copies where a view is written into a model."""
        is_for_models = words is not None and self.left_out and source is self._source
        return f" AND {source.seq_value} NOT IN ({self.left_out})" if is_for_models else ""

    def _select(self, view: str, words: Collection[str] | None = None) -> str:
        """Return the SQL of a view, with those of its columns that are in `words` (None: all)."""
        match view:
            case "rows":
                return self._rows(f"kind <> 'event' OR {self._source.is_own}", words)
            case "events":
                return self._rows(f"kind = 'event' AND {self._source.is_own}", words)
            case "recorded_spans":
                return _recorded_spans(self.session, self._server)
            case "recording_gaps":
                return _recording_gaps(self.session, self._server)
            case "event_sizes":
                return (not self._server and _sizes(self.session)) or self._weighed()
            case "other_rows":
                return self._other_rows()
        return self._events(view, words)

    def _rows(self, condition: str, words: Collection[str] | None) -> str:
        columns = self._source.columns
        if words is not None:
            columns = ", ".join([self._source.seq, *(name(column) for column in _COMMON if column in words)])
        left_out = self._left_out(self._source, words)
        return f"SELECT {columns} FROM {self._source.read} WHERE ({condition}){left_out}"

    def _events(self, view: str, words: Collection[str] | None) -> str:
        types = _TOGETHER.get(view, (view,))
        is_there = view == "channel_events" or self._types is None or not self._types.isdisjoint(types)
        source = self._source if is_there else _NOWHERE
        columns = [source.seq]
        # Directly from the files: a `SELECT *` of all columns in between would cost every statement 10 ms.
        for column, column_type in _columns(view).items():
            if words is None or column in words:
                has_column = is_there and (column in self.columns or column in _COMMON)
                columns.append(name(column) if has_column else f"CAST(NULL AS {column_type}) AS {name(column)}")
        # One scan of the file for types that are read together.
        condition = f"type IN ({', '.join(map(text, types))})" if len(types) > 1 else f"type = {text(view)}"
        if view == "channel_events":
            condition = "channel_id IS NOT NULL"
        where = f"kind = 'event' AND {source.is_own} AND {condition}{self._left_out(source, words)}"
        return f"SELECT {', '.join(columns)} FROM {source.read} WHERE {where}"

    def _other_rows(self) -> str:
        source = self._source if self._has_other_rows else _NOWHERE
        own = sorted(c for c in self.columns if c.startswith(_OWN)) if self._has_other_rows else []
        columns = [source.seq, "received_at", "elapsed_ns", "kind", "type", *map(name, own), "raw"]
        return f"SELECT {', '.join(columns)} FROM {source.read} WHERE kind <> 'event'"

    def _weighed(self) -> str:
        """Return SQL for the sizes from the files. In a long recording, blocks spread evenly over it are measured."""
        every = max(self.session.header.events // 250_000, 1) if self.session else 1
        weighed = f"avg(strlen(raw)) FILTER ((seq // 20480) % {every} = 0)"
        # Copies count here.
        events = f"SELECT seq, application, type, raw FROM ({self._select('events')})"
        counted = f"SELECT application, type, count(*), {weighed}, {every > 1} FROM ({events}) GROUP BY ALL"
        return f"FROM ({counted}) AS sizes ({_SIZES})"


def words_of(sql: str) -> set[str]:
    """Return the words of a statement, in lower case. Quotes do not matter."""
    return {word.lower() for word in re.findall(r"\w+", sql)}


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

    @property
    def seq_value(self) -> str:
        """Its `seq` in a condition."""
        return self.seq.removesuffix(" AS seq")


_NOWHERE = _Source(f"({_NO_ROWS} WHERE false)")


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
    if len(session.parts) < 2 and not session.seq_shifts[0]:
        return _Source(f"read_parquet({paths[0]}, {_READ})", is_own=is_own)
    first, *others = (session.parts[number].schema for number in numbers)
    unites = "" if all(map(first.equals, others)) else ", union_by_name = true"  # which reads the footers of all
    read = f"read_parquet([{', '.join(paths.values())}], {_READ}{unites}, filename = true)"
    shifts = [session.seq_shifts[number] for number in numbers]
    shift = f"('{shifts}'::BIGINT[])[file_index::BIGINT + 1]" if any(shifts) else "0"
    return _Source(read, f"* EXCLUDE (filename) REPLACE (seq + {shift} AS seq)", f"seq + {shift} AS seq", is_own)


def _recorded_time(session: SessionFile | None, server: Server | None) -> RecordedTime:
    if session is None:
        return RecordedTime((), ())
    return session.recorded_time_of(server) if server else session.recorded_time


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


def _sizes(session: SessionFile | None) -> str | None:
    """Return SQL for events and bytes by type, from the header; None if the header does not have them all."""
    applications, sizes = (session.header.applications, session.header.type_bytes) if session else ({}, None)
    # The header does not separate applications, and names a missing type like an empty one.
    if not sizes or len(sizes) > _MOST_TYPES or len(applications) != 1 or "" in {*applications, *sizes}:
        return None
    rows = ", ".join(
        f"({text(*applications)}, {text(t)}, {n}::BIGINT, {size} / {n}, false)" for t, (n, size) in sizes.items()
    )
    return f"FROM (VALUES {rows}) AS sizes ({_SIZES})"


@cache
def _columns(view: str) -> Mapping[str, str]:
    """Return the columns of a view after `seq`, with their types in SQL."""
    own = columns_of("ChannelCreated" if view == "channel_events" else _TOGETHER.get(view, (view,))[0])
    return {**_LEADING, **{column.name: _SQL[column.type] for column in own}, "extra": "VARCHAR", "raw": "VARCHAR"}
