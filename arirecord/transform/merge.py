"""Merge: write several sessions as one, in order of time."""

import heapq
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from arirecord.errors import ArirecordError
from arirecord.session.header import Header
from arirecord.session.output_file import check_output
from arirecord.session.reader import SessionFile
from arirecord.session.recorded_time import Gap, gaps_between
from arirecord.session.rewrite import describe_source, gap_row, read_batches, to_rows, write_session
from arirecord.session.rows import Row
from arirecord.session.seal import Progress, no_progress

from .clock_offset import Clock, compare_clocks

__all__ = ["Merged", "merge_sessions"]

_BATCH = 4096
WINDOW_NS = 10_000_000_000
"""Maximum time between two receipts of one frame, after correction of the clocks."""


@dataclass(frozen=True)
class Merged:
    """The new session's `header`; of each source its `clock` and the number of its rows that another has too."""

    header: Header
    clocks: Sequence[Clock]
    duplicates: Sequence[int]


def merge_sessions(
    sessions: Sequence[SessionFile],
    target: Path,
    *,
    keep_clocks: bool = False,
    force: bool = False,
    progress: Progress = no_progress,
) -> Merged:
    """Write the rows of `sessions` to `target` in order of time, by the first session's clock.

    Clocks are compared as in `compare_clocks`, unless `keep_clocks`. An identical frame of several sessions within ten
    seconds is kept as often as the session that has it most often. Rows of other kinds are the same only if they were
    received at the same nanosecond. Rows of one session stay in order. Time in which none of the sessions recorded
    a server is a gap of it; a gap of some of several servers names its server. Memory is bounded.

    Raises `ArirecordError` for fewer than two sessions, `TargetExists` and `OSError`.
    """
    if len(sessions) < 2:
        raise ArirecordError("nothing to merge: give two sessions or more")
    inputs = [path for session in sessions for path in session.inputs]
    check_output(target, inputs=inputs, force=force)
    same = Clock(0, "as recorded")
    clocks = [same] * len(sessions) if keep_clocks else compare_clocks(sessions)
    starts = [
        s.header.started_ns + s.header.first_elapsed_ns - c.offset_ns for s, c in zip(sessions, clocks, strict=True)
    ]
    started_ns = max(min(starts), 0)
    seen = _Seen(len(sessions))
    servers = {server.name for session in sessions if session.header.events for server in session.servers}

    def batches() -> Iterator[list[Row]]:
        timed = zip(sessions, clocks, strict=True)
        streams = [_timed(s, c.offset_ns, started_ns, index, servers) for index, (s, c) in enumerate(timed)]
        # By time, and at one time by session: each stream is in its own order already.
        streams.append(_gaps(sessions, clocks, servers, started_ns))
        rows = (
            row
            for _, index, row in heapq.merge(*streams, key=lambda item: item[:2])
            if index < 0 or seen.is_new(row, index)
        )
        while batch := list(islice(rows, _BATCH)):
            yield batch

    def source() -> dict[str, Any]:
        sources = [
            {
                **describe_source(session),
                "clock_offset_ns": clock.offset_ns,
                "clock_known_from": clock.known_from,
                "duplicate_count": count,
            }
            for session, clock, count in zip(sessions, clocks, seen.duplicates, strict=True)
        ]
        return {"verb": "merge", "sources": sources}

    broken = [s.header.ended for s in sessions if s.header.ended != "complete"]
    header = write_session(
        batches(),
        target,
        started_ns=started_ns,
        inputs=inputs,
        source=source,
        ended=broken[0] if broken else "complete",
        force=force,
        progress=progress,
    )
    return Merged(header, clocks, seen.duplicates)


def _timed(
    session: SessionFile, offset_ns: int, started_ns: int, index: int, servers: Collection[str | None]
) -> Iterator[tuple[int, int, Row]]:
    began_ns = session.header.started_ns
    at_ns = 0
    for batch, shift_ns in read_batches(session, with_gaps=False, servers=servers):
        for row in to_rows(batch, shift_ns):
            at_ns = max(at_ns, began_ns + row.elapsed_ns - offset_ns)
            received_ns = max(row.received_ns - offset_ns, 0)
            yield at_ns, index, row._replace(received_ns=received_ns, elapsed_ns=max(at_ns - started_ns, 0))


def _gaps(
    sessions: Sequence[SessionFile], clocks: Sequence[Clock], servers: Collection[str | None], started_ns: int
) -> Iterator[tuple[int, int, Row]]:
    """Yield a row for each time in which no session recorded a server; it comes before all other rows of its end."""
    gaps: list[Gap] = []
    ends_ns = [
        part.extent.end_ns - clock.offset_ns
        for session, clock in zip(sessions, clocks, strict=True)
        for part in session.parts
        if part.extent is not None
    ]
    for name in servers:
        extents = [
            part.extent._replace(
                begin_ns=part.extent.begin_ns - clock.offset_ns, end_ns=part.extent.end_ns - clock.offset_ns
            )
            for session, clock in zip(sessions, clocks, strict=True)
            for server in session.servers
            if server.name == name or not session.header.events
            for part in (session.parts[number] for number in server.parts)
            if part.extent is not None
        ]
        gap_server = name if len(servers) > 1 else None
        gaps += [gap._replace(server=gap_server) for gap in gaps_between(sorted(extents, key=attrgetter("begin_ns")))]
        if gap_server and extents:
            begin_ns, end_ns = min(each.begin_ns for each in extents), max(each.end_ns for each in extents)
            around = (started_ns, begin_ns), (end_ns, max(ends_ns))
            gaps += [Gap(since, until, 0, 0, True, gap_server) for since, until in around if until > since]
    for gap in sorted(gaps, key=attrgetter("end_ns")):
        yield gap.end_ns, -1, gap_row(gap.begin_ns, gap.end_ns, started_ns, server=gap.server)


@dataclass(slots=True)
class _Copies:
    """Counts of a frame: in each session so far, kept, and the time of the last one."""

    counts: dict[int, int] = field(default_factory=dict)
    kept: int = 0
    last_ns: int = 0


class _Seen:
    """Frames kept within the window."""

    def __init__(self, size: int) -> None:
        self.duplicates = [0] * size
        self._copies: dict[bytes, _Copies] = {}
        self._order: deque[tuple[int, bytes]] = deque()

    def is_new(self, row: Row, index: int) -> bool:
        """Return whether to keep a row of a session."""
        self._forget(row.elapsed_ns - WINDOW_NS)
        text = f"{row.kind}\0{row.raw}" if row.kind == "event" else f"{row.kind}\0{row.received_ns}\0{row.raw}"
        key = blake2b(text.encode(), digest_size=16).digest()
        copies = self._copies.setdefault(key, _Copies())
        copies.last_ns = row.elapsed_ns
        self._order.append((row.elapsed_ns, key))
        count = copies.counts[index] = copies.counts.get(index, 0) + 1
        if count > copies.kept:
            copies.kept = count
            return True
        self.duplicates[index] += 1
        return False

    def _forget(self, before_ns: int) -> None:
        while self._order and self._order[0][0] < before_ns:
            at_ns, key = self._order.popleft()
            if key in self._copies and self._copies[key].last_ns <= at_ns:
                del self._copies[key]
