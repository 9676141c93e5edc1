"""The counts in the header of a session, made while its rows are written."""

from collections import Counter
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import channel_columns
from arirecord.asterisk.timestamps import format_timestamp

from .header import Header

__all__ = ["ChannelCount", "HeaderStats", "TypeBytes"]


class TypeBytes:
    """Frames of each event type, and the bytes of their text as UTF-8; frames without a type are under ``""``."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def add(self, events: pa.Table) -> None:
        """Count events, given with their columns `type` and `raw`."""
        sizes = pa.table({"type": events["type"], "bytes": pc.binary_length(events["raw"]).cast(pa.int64())})
        by_type = sizes.group_by("type", use_threads=False).aggregate([("bytes", "count"), ("bytes", "sum")])
        for name, count, size in zip(*(column.to_pylist() for column in by_type.columns), strict=True):
            total = self._counts.setdefault(name or "", [0, 0])
            total[0] += count
            total[1] += size

    def result(self) -> dict[str, list[int]]:
        """`{type: [frames, bytes]}`, the most frequent first."""
        return dict(sorted(self._counts.items(), key=lambda entry: -entry[1][0]))


class ChannelCount:
    """Counts distinct channels by their hashes, in 8 bytes each."""

    columns = channel_columns("id")

    def __init__(self) -> None:
        self._known: pa.Array = pa.array([], pa.int64())
        self._seen: list[pa.Array] = []

    def add(self, table: pa.Table | pa.RecordBatch) -> None:
        """Count the channels of some rows, given with the existing ones of `columns`."""
        names = [name for name in self.columns if name in table.schema.names]
        ids = set(chain.from_iterable(pc.unique(table[name]).to_pylist() for name in names)) - {None}
        self._seen.append(pa.array(map(hash, ids), pa.int64()))
        if sum(map(len, self._seen)) > len(self._known):
            self._settle()

    def result(self) -> int:
        """Return the number of channels."""
        self._settle()
        return len(self._known)

    def _settle(self) -> None:
        self._known, self._seen = pc.unique(pa.concat_arrays([self._known, *self._seen])), []


class HeaderStats:
    """Counts rows as they are written."""

    def __init__(self) -> None:
        self.rows = 0
        self._types, self._channels = TypeBytes(), ChannelCount()
        self._gap_count = 0
        self._lost_count = 0
        self._by: dict[str, Counter[str]] = {"application": Counter(), "asterisk_id": Counter()}
        self._first: tuple[int, int] | None = None
        self._last = (0, 0)

    def add(self, table: pa.Table) -> None:
        """Count the next rows; at least one."""
        first, self._last = (
            (table["received_at"][row].cast(pa.int64()).as_py() * 1000, table["elapsed_ns"][row].as_py())
            for row in (0, table.num_rows - 1)
        )
        self._first = self._first or first
        self.rows += table.num_rows
        events = table.select(["type", *self._by, "raw"])
        is_event = pc.equal(table["kind"], "event")
        if not pc.all(is_event).as_py():  # avoids a copy
            events = events.filter(is_event)
        self._types.add(events)
        self._channels.add(table)
        for name, counter in self._by.items():
            for entry in pc.value_counts(events[name]).to_pylist():
                counter[entry["values"] if entry["values"] is not None else ""] += entry["counts"]
        if "connection_lost_count" in table.column_names:
            is_gap = pc.and_(pc.equal(table["kind"], "connection"), pc.equal(table["type"], "gap"))
            self._gap_count += pc.sum(is_gap).as_py() or 0
            self._lost_count += pc.sum(table["connection_lost_count"]).as_py() or 0

    def into(self, header: Header) -> None:
        """Write the counts into a header."""
        types = self._types.result()
        header.rows, header.events = self.rows, sum(frames for frames, _ in types.values())
        header.types, header.type_bytes = {name: frames for name, (frames, _) in types.items()}, types
        header.channel_count = self._channels.result()
        header.frame_bytes = sum(size for _, size in types.values())
        header.gap_count, header.lost_count = self._gap_count, self._lost_count
        header.applications, header.asterisk_ids = (dict(c.most_common()) for c in self._by.values())
        if self._first is not None:
            header.first_at, header.last_at = format_timestamp(self._first[0]), format_timestamp(self._last[0])
            header.first_elapsed_ns = self._first[1]
            header.duration_ns = self._last[1] - self._first[1]
