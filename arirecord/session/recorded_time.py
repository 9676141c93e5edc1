"""Recorded time: when the parts of a session recorded, and the gaps within and between them.

Each reader of a session takes its gaps from here: the header of a folder, the SQL models, `info`, the doctor, the
report.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from .parquet import column_bounds

__all__ = ["Extent", "Gap", "RecordedTime", "Span", "continues", "gaps_between", "measure", "read_gaps", "union"]


class Span(NamedTuple):
    """An interval of time, in nanoseconds since 1970 UTC."""

    begin_ns: int
    end_ns: int


class Extent(NamedTuple):
    """The rows of a part: the start of its recording, its first and last `seq`, and the time from row to row."""

    started_ns: int
    first_seq: int
    last_seq: int
    begin_ns: int
    end_ns: int


class Gap(NamedTuple):
    """Time that was not recorded: before the row `seq` of part number `part`, which is the first one after it.

    `is_between`: no row of the session reports it, because it lies between two parts. `server`: the `asterisk_id` of
    the only server that it concerns; None: all servers of the part.
    """

    begin_ns: int
    end_ns: int
    part: int
    seq: int
    is_between: bool
    server: str | None = None


@dataclass(frozen=True)
class RecordedTime:
    """The `spans` in which a session recorded, in order of time, and its `gaps`, in order of rows."""

    spans: Sequence[Span]
    gaps: Sequence[Gap]

    @property
    def duration_ns(self) -> int:
        """The sum of the spans."""
        return sum(span.end_ns - span.begin_ns for span in self.spans)


def measure(extents: Sequence[Extent | None], gaps: Iterable[Gap] = ()) -> RecordedTime:
    """The recorded time of parts in order of time (None: without rows); `gaps` are those that a row reports.

    A recording's time is that of its parts and of the time between one part and its continuation, without its gaps.
    A session's time is the union of its recordings': two that overlap count once.
    """
    all_gaps = sorted([*gaps, *gaps_between(extents)], key=lambda gap: (gap.part, gap.seq))
    gaps_of: dict[int, list[Span]] = defaultdict(list)
    for gap in all_gaps:
        extent = extents[gap.part]
        if not gap.is_between and extent is not None:
            gaps_of[extent.started_ns].append(Span(gap.begin_ns, gap.end_ns))
    spans = [
        span for started_ns, own in _by_recording(extents).items() for span in _without(own, union(gaps_of[started_ns]))
    ]
    return RecordedTime(union(spans), all_gaps)


def gaps_between(extents: Sequence[Extent | None]) -> Iterator[Gap]:
    """The gaps between parts that are in order of time: where no recording has a part or goes on to its next one."""
    firsts: dict[int, tuple[int, int]] = {}
    for number, extent in enumerate(extents):
        if extent is not None:
            firsts.setdefault(extent.begin_ns, (number, extent.first_seq))
    for before, after in pairwise(union(span for own in _by_recording(extents).values() for span in own)):
        yield Gap(before.end_ns, after.begin_ns, *firsts[after.begin_ns], is_between=True)


def continues(before: Extent, after: Extent) -> bool:
    """Return whether a part is the next one of the same recording: without missing rows, and so without a gap."""
    return before.started_ns == after.started_ns and before.last_seq + 1 == after.first_seq


def _by_recording(extents: Iterable[Extent | None]) -> dict[int, list[Span]]:
    """For each start of a recording the spans of its parts, and those from a part to its continuation, united."""
    parts: dict[int, list[Extent]] = defaultdict(list)
    for extent in extents:
        if extent is not None:
            parts[extent.started_ns].append(extent)
    return {
        started_ns: union(
            [Span(part.begin_ns, part.end_ns) for part in own]
            + [Span(one.end_ns, two.begin_ns) for one, two in pairwise(own) if continues(one, two)]
        )
        for started_ns, own in parts.items()
    }


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the same time in spans that neither overlap nor touch."""
    united: list[Span] = []
    for span in sorted(spans):
        if united and span.begin_ns <= united[-1].end_ns:
            united[-1] = Span(united[-1].begin_ns, max(united[-1].end_ns, span.end_ns))
        else:
            united.append(span)
    return united


def _without(spans: Iterable[Span], gaps: Sequence[Span]) -> Iterator[Span]:
    """The spans without the time of the gaps; both neither overlap nor touch each other."""
    for span in spans:
        begin_ns = span.begin_ns
        for gap in gaps:
            if begin_ns <= gap.end_ns and gap.begin_ns <= span.end_ns:
                if gap.begin_ns > begin_ns:
                    yield Span(begin_ns, gap.begin_ns)
                begin_ns = max(begin_ns, gap.end_ns)
        if begin_ns < span.end_ns or begin_ns == span.begin_ns:
            yield Span(begin_ns, span.end_ns)


def read_gaps(path: Path, extent: Extent, part: int, previous_ns: int | None) -> Iterator[Gap]:
    """The gaps that rows of a part report, each from the last event before it, of its server if it names one.

    `previous_ns` is the time of the last row before this part, None without such a row. Row groups with only events
    are not read, unless gaps name servers.
    """
    import pyarrow.compute as pc

    from .stored_rows import opened, stored_batches

    begin_ns = extent.begin_ns if previous_ns is None else previous_ns
    event_ns: dict[str | None, int] = {}
    with opened(path) as file:
        of_servers = ["asterisk_id", "connection_server"] if "connection_server" in file.schema_arrow.names else []
        kinds = {number: (low, high) for number, low, high in column_bounds(file.metadata, "kind")}
        ends = {number: high for number, _, high in column_bounds(file.metadata, "elapsed_ns")}
        for group in range(file.num_row_groups):
            if kinds.get(group) == ("event", "event") and group in ends and not of_servers:
                event_ns[None] = extent.started_ns + ends[group]
                continue
            columns = ("seq", "elapsed_ns", "kind", "type", *of_servers)
            for batch in stored_batches(file, 1 << 16, columns, [group]):
                is_event = pc.equal(batch["kind"], "event")
                is_gap = pc.and_(pc.equal(batch["kind"], "connection"), pc.equal(batch["type"], "gap"))
                shown = batch.filter(pc.or_(is_event, pc.fill_null(is_gap, False)))
                if not of_servers and not pc.any(is_gap).as_py():
                    shown = shown.slice(max(shown.num_rows - 1, 0))
                for row in shown.to_pylist():
                    at_ns, server = extent.started_ns + row["elapsed_ns"], row.get("connection_server")
                    if row["kind"] == "event":
                        event_ns[None] = event_ns[row.get("asterisk_id")] = at_ns
                    else:
                        last_ns = event_ns.get(server, begin_ns)
                        yield Gap(last_ns, at_ns, part, row["seq"], is_between=False, server=server)
