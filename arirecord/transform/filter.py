"""Filter: write a part of a session as a new session, with its frames byte for byte."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import all_columns, channel_columns, columns_of, event_types
from arirecord.errors import NothingKept
from arirecord.session.header import Header
from arirecord.session.reader import SessionFile
from arirecord.session.rewrite import describe_source, gap_row, read_batches, to_rows, write_session
from arirecord.session.rows import Row
from arirecord.session.seal import Progress, no_progress

from .selected_channels import Parts, find_parts

__all__ = ["Selection", "filter_session"]

_BRIDGES = sorted({c.name for t in event_types() for c in columns_of(t) if c.model == "Bridge" and c.path[-1] == "id"})
_LISTS = sorted(
    name for name, kind in all_columns().items() if kind == "strings" and name.endswith(("_channels", "_channel_ids"))
)
_TARGETS = ("playback_target_uri", "recording_target_uri")
_REST = ("uri", "message_body", "rest_by", "rest_uri", "rest_request_body", "rest_answer_body")
_COLUMNS = ("type", "application", *channel_columns("id"), *_BRIDGES, *_LISTS, *_TARGETS, *_REST)
_ID = re.compile(r"[\w.;@:+-]+")


@dataclass(frozen=True)
class Selection:
    """A selection of rows. An empty or None field does not restrict. One value of a field must match, and all fields.

    `since_ns` (inclusive) and `until_ns` (exclusive) are nanoseconds since 1970 UTC, and so are the pairs `windows_ns`;
    a row must be in one of them. `calls`, `channels` and `numbers`
    are as in `find_parts`. `types`, `exclude` and `applications` select events.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    windows_ns: tuple[tuple[int, int], ...] = ()
    calls: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return the restrictions, for the header."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) not in (None, ())}


def filter_session(
    session: SessionFile, selection: Selection, target: Path, *, force: bool = False, progress: Progress = no_progress
) -> Header:
    """Write the rows of `session` that match `selection` to `target`; return its header, whose `source` has the
    selection and the input.

    Frames keep their bytes and times. Rows about the connection, marks, and the recorder's own requests
    (the state at the start of the recording) stay too, unless they come after `until_ns`. An app's REST requests stay
    if they are within the times and name one of the channels or bridges. Memory is bounded.

    Raises `NothingKept` if no event matches, and the errors of `find_parts` and `write_session`.
    """
    asked = bool(selection.calls or selection.channels or selection.numbers)
    parts = None
    if asked:
        parts = find_parts(session, calls=selection.calls, channels=selection.channels, numbers=selection.numbers)
    keeper = _Keeper(selection, parts, session.header.started_ns)

    def source() -> dict[str, Any]:
        if not keeper.events:
            raise NothingKept(f"no event of {session.path} is selected; no session is made")
        return {"verb": "filter", "filter": selection.describe(), "sources": [describe_source(session)]}

    return write_session(
        keeper.batches(session),
        target,
        started_ns=session.header.started_ns,
        inputs=session.inputs,
        source=source,
        ended=session.header.ended,
        force=force,
        progress=progress,
    )


class _Keeper:
    """Keeps rows and counts the events among them."""

    def __init__(self, selection: Selection, parts: Parts | None, started_ns: int) -> None:
        self.events = 0
        self._selection = selection
        self._parts = parts
        self._started_ns = started_ns
        self._last_ns: int | None = None
        self._begins_ns = [begin for begin, _ in selection.windows_ns]
        self._begins_ns += [selection.since_ns] if selection.since_ns is not None else []
        if parts is not None:
            self._channels = pa.array(sorted(parts.channel_ids), pa.string())
            self._bridges = pa.array(sorted(parts.bridge_ids), pa.string())
            targets = [f"channel:{c}" for c in parts.channel_ids] + [f"bridge:{b}" for b in parts.bridge_ids]
            self._targets = pa.array(targets, pa.string())
            self._ids = parts.channel_ids | parts.bridge_ids

    def batches(self, session: SessionFile) -> Iterator[list[Row]]:
        """Return the rows that are kept."""
        for batch, shift_ns in read_batches(session, _COLUMNS):
            is_event = pc.equal(batch["kind"], "event")
            at_ns = pc.add(batch["elapsed_ns"], shift_ns + self._started_ns)
            kept = pc.if_else(is_event, self._events(batch, at_ns), self._others(batch, at_ns))
            self.events += pc.sum(pc.and_(kept, is_event)).as_py() or 0
            yield list(self._with_gaps(to_rows(batch.filter(kept), shift_ns)))

    def _with_gaps(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Return the rows, with a gap for left-out time before a time that is kept."""
        for row in rows:
            at_ns = self._started_ns + row.elapsed_ns
            begun_ns = max((begin for begin in self._begins_ns if begin <= at_ns), default=None)
            if begun_ns is not None and self._last_ns is not None and self._last_ns < begun_ns:
                yield gap_row(self._last_ns, begun_ns, self._started_ns, "left out by filter")
            self._last_ns = at_ns
            yield row

    def _events(self, batch: pa.RecordBatch, at_ns: pa.Array) -> pa.Array:
        selection = self._selection
        kept = self._within(at_ns)
        for names, column in ((selection.types, "type"), (selection.applications, "application")):
            if names:
                kept = pc.and_(kept, pc.is_in(batch[column], pa.array(names, pa.string())))
        if selection.exclude:
            kept = pc.and_(kept, pc.invert(pc.is_in(batch["type"], pa.array(selection.exclude, pa.string()))))
        return pc.and_(kept, self._about_parts(batch)) if self._parts is not None else kept

    def _within(self, at_ns: pa.Array) -> pa.Array:
        kept = pa.repeat(True, len(at_ns))
        if self._selection.since_ns is not None:
            kept = pc.greater_equal(at_ns, self._selection.since_ns)
        if self._selection.until_ns is not None:
            kept = pc.and_(kept, pc.less(at_ns, self._selection.until_ns))
        if windows := self._selection.windows_ns:
            within = [pc.and_(pc.greater_equal(at_ns, begin), pc.less(at_ns, end)) for begin, end in windows]
            kept = pc.and_(kept, reduce(pc.or_, within))
        return kept

    def _about_parts(self, batch: pa.RecordBatch) -> pa.Array:
        """Return events that name one of the channels, and events of their bridges that name no channel."""
        nowhere = pa.repeat(False, batch.num_rows)
        named = ours = related = nowhere
        for name in channel_columns("id"):
            if name in batch.schema.names:
                named = pc.or_(named, pc.is_valid(batch[name]))
                ours = pc.or_(ours, pc.is_in(batch[name], self._channels))
        for name, values in (*((n, self._bridges) for n in _BRIDGES), *((n, self._targets) for n in _TARGETS)):
            if name in batch.schema.names:
                related = pc.or_(related, pc.is_in(batch[name], values))
        for name in _LISTS:
            if name in batch.schema.names:
                related = pc.or_(related, _any_in(batch[name], self._channels))
        if "message_body" in batch.schema.names:
            related = pc.or_(related, self._mentions(batch, ("uri", "message_body")))
        return pc.or_(ours, pc.and_(related, pc.invert(named)))

    def _others(self, batch: pa.RecordBatch, at_ns: pa.Array) -> pa.Array:
        kept = pa.repeat(True, batch.num_rows)
        if self._selection.until_ns is not None:
            kept = pc.less(at_ns, self._selection.until_ns)
        if "rest_by" in batch.schema.names:
            asked_by_app = pc.fill_null(pc.equal(batch["rest_by"], "app"), False)
            about = self._mentions(batch, _REST[3:]) if self._parts is not None else kept
            kept = pc.and_(kept, pc.or_(pc.invert(asked_by_app), pc.and_(about, self._within(at_ns))))
        return kept

    def _mentions(self, batch: pa.RecordBatch, names: tuple[str, ...]) -> pa.Array:
        columns = [batch[name].to_pylist() for name in names if name in batch.schema.names]
        is_mentioned = [
            any(text and not self._ids.isdisjoint(_ids_in(text)) for text in texts)
            for texts in zip(*columns, strict=True)
        ]
        return pa.array(is_mentioned, pa.bool_())


def _ids_in(text: str) -> Iterator[str]:
    for channel_id in _ID.findall(unquote(text)):
        yield channel_id
        yield channel_id.partition(":")[2]


def _any_in(lists: pa.Array, values: pa.Array) -> pa.Array:
    """Return whether each list has one of the values; false for null."""
    hits = pc.unique(pc.filter(pc.list_parent_indices(lists), pc.is_in(pc.list_flatten(lists), values)))
    return pc.is_in(pa.array(range(len(lists)), pa.int64()), hits)
