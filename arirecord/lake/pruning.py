"""Pruning: open only the parts of a session that a question about some time or some servers needs."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from arirecord.analytics.kept_tables import KeptWindow, fingerprint, read_windows, tables_folder
from arirecord.errors import ArirecordError, NotASession
from arirecord.select.times import RecordingSpan, Window
from arirecord.session.folder_files import is_lake, matching_paths
from arirecord.session.part_index import known_part
from arirecord.session.parts import Part, read_part
from arirecord.session.positions import span_of
from arirecord.session.reader import SessionFile, open_session

from .layout import date_of, part_at

__all__ = ["CALL_TABLES", "open_pruned"]

CALL_TABLES = frozenset((
    "app_visits", "bridge_stays", "calls", "channel_states", "channels", "conversations", "dial_attempts", "digits",
    "dtmf", "hangups", "holds", "ivr_paths", "legs", "links", "queue_calls", "rtp_quality", "talk", "talk_intervals",
    "transfers",
))  # fmt: skip
"""Tables whose rows follow from the events of their calls. Others need more: a device has the state of days before."""
_CLOCKS_NS = 900 * 10**9
"""Difference between the clocks of Asterisk and the recorder: tables have Asterisk's times, parts the recorder's."""
_LONGEST_NS = 24 * 3600 * 10**9
"""How long before or after the time asked for a call is followed: some channels have no recorded end."""
_DAY_NS = 24 * 3600 * 10**9
_TOLERANCE_NS = 3600 * 10**9
"""The rows of a part can be of an hour before its day; and clocks are set."""
_NEVER_NS = 1 << 62
_NAME = re.compile(r"(\d{6})-(\d{6})-")
_OPEN_CALLS = """
WITH spans AS (
    SELECT
        min(created_at) AS began_at, max(last_at) AS last_at, bool_and(is_over) AS is_over,
        bool_or(NOT is_created) AS is_older,
        min(created_at) FILTER (NOT is_created) AS created_before_at
    FROM int_channel_facts
    JOIN int_call_channels USING (channel_id)
    GROUP BY call_id
)

SELECT
    min(COALESCE(epoch_ns(created_before_at), 0)) FILTER (is_older AND epoch_ns(last_at) >= $begin_ns),
    COALESCE(bool_or(NOT is_over AND COALESCE(epoch_ns(began_at), 0) < $end_ns), false)
FROM spans
"""


def open_pruned(
    paths: str | Path | Sequence[str | Path],
    select: Callable[[RecordingSpan], Sequence[Window]] = lambda span: [Window()],
    *,
    is_relative: bool = False,
    servers: Collection[str] = (),
    has_calls: bool = False,
) -> SessionFile:
    """Open the parts of a session that matter for some times and for some servers; all if none does.

    paths: as for `open_session`. Of a lake, only days around the times are looked at.
    select: returns the times; it gets begin and end of the recording if they are `is_relative` to these, otherwise 0.
        Only a lake is searched for these: of other files, all are opened then.
    servers: by `asterisk_id`; empty: all.
    has_calls: whole calls are needed: the parts before and after are opened as long as a call is up at the border
        that has a channel in the time asked for, a day at most.

    Raises as `open_session` and `select` do, and `ArirecordError` if a file has events of other servers, too.
    """
    inputs = matching_paths([paths] if isinstance(paths, str | Path) else paths)
    if has_calls and any(read_windows(tables_folder(path)) for path in inputs if not is_lake(path)):
        return open_session(inputs)  # its kept tables are those of all parts
    root = inputs[0] if len(inputs) == 1 and is_lake(inputs[0]) else None
    chosen = _ChosenFiles(root, select, is_relative, servers, has_calls)
    session = SessionFile(inputs, chosen)
    session.pruned_from, session.whole_span = root, chosen.span
    return session


class _ChosenFiles:
    """Chooses files of a session, as `open_pruned` describes. root: the only input, if it is a lake.

    span: begin and end of the recording, nanoseconds since 1970; None if they were not needed.
    """

    def __init__(
        self,
        root: Path | None,
        select: Callable[[RecordingSpan], Sequence[Window]],
        is_relative: bool,
        servers: Collection[str],
        has_calls: bool,
    ) -> None:
        self.span: tuple[int, int] | None = None
        self._root, self._servers, self._has_calls = root, servers, has_calls
        self._select, self._is_relative = select, is_relative

    def __call__(self, files: Sequence[Path]) -> Sequence[Path]:
        groups = self._groups(files)
        is_in_lake = any(group.is_in_lake for group in groups)
        if self._is_relative and is_in_lake:
            ends = [part for group in groups for part in group.ends() if self._is_wanted(part)]
            self.span = span_of(ends) if ends else None
        windows = self._select(RecordingSpan(*self.span or (0, 0))) if is_in_lake or not self._is_relative else []
        limits = [(begin.ns if begin else 0, end.ns if end else _NEVER_NS) for begin, end in windows]
        has_borders = self._has_calls and any(begin or end for begin, end in windows)
        chosen = self._parts(groups, limits, has_calls=has_borders)
        if self._servers and not chosen:
            chosen = self._parts(groups, [(0, _NEVER_NS)], has_calls=False)
        if self._servers and not chosen:
            raise ArirecordError(
                f"no part is of the server {' or '.join(self._servers)}: `arirecord info` lists the asterisk_ids"
            )
        # A part of a lake that cannot be read is named when it is opened.
        damaged = [path for group in groups for path in group.damaged]
        return list(dict.fromkeys([*(part.path for part in chosen), *damaged])) if chosen else files

    def _groups(self, files: Sequence[Path]) -> Sequence["_Parts"]:
        """Return the parts of each server of a lake, and all other files together."""
        of_servers: dict[tuple[Path, str | None] | None, list[tuple[Path, date | None]]] = {}
        for path in files:
            part = part_at(path)
            if part is None:
                of_servers.setdefault(None, []).append((path, None))
            elif not self._servers or part.server in (None, *self._servers):
                of_servers.setdefault((path.parents[3], part.server), []).append((path, part.day))
        kept = read_windows(tables_folder(self._root)) if self._has_calls and self._root else ()
        return [
            _Parts(own, [window for window in kept if server and window.server == server[1]])
            for server, own in of_servers.items()
        ]

    def _parts(self, groups: Sequence["_Parts"], limits: Sequence[tuple[int, int]], *, has_calls: bool) -> list[Part]:
        parts = (part for group in groups for ends in limits for part in group.around(*ends, has_calls=has_calls))
        return [part for part in parts if self._is_wanted(part)]

    def _is_wanted(self, part: Part) -> bool:
        names = {name for name in part.header.asterisk_ids if name}
        wanted = names & set(self._servers)
        if wanted and wanted != names:
            raise ArirecordError(
                f"{part.path} has events of several servers: `arirecord ingest` puts each into its own part"
            )
        return not self._servers or not part.header.events or bool(wanted)


class _Parts:
    """The parts of one server in a lake, or all files that are not in a lake. Footers are read when they are needed.

    files: paths, each with its day in a lake.
    kept: the windows of the server of which tables are kept.
    """

    def __init__(self, files: Sequence[tuple[Path, date | None]], kept: Sequence[KeptWindow] = ()) -> None:
        self._files, self._kept = files, kept
        self.is_in_lake = any(day for _, day in files)
        self._parts: dict[Path, Part] = {}
        self.damaged: set[Path] = set()

    def ends(self) -> Sequence[Part]:
        """Return the parts of which one begins first and one ends last."""
        while True:
            times = {path: _times(path, day) for path, day in self._files if path not in self.damaged}
            first_ns = min((high_ns for _, high_ns in times.values()), default=0)
            last_ns = max((low_ns for low_ns, _ in times.values()), default=0)
            parts = [
                self._part(path)
                for path, (low_ns, high_ns) in times.items()
                if low_ns <= first_ns or high_ns >= last_ns
            ]
            if None not in parts:
                return [part for part in parts if part]

    def around(self, begin_ns: int, end_ns: int, *, has_calls: bool) -> Sequence[Part]:
        """Return the parts with rows of a time, and if `has_calls` those of the calls at its borders."""
        margin_ns = _CLOCKS_NS if has_calls else 0
        begin_ns, end_ns = begin_ns - margin_ns, end_ns + margin_ns
        chosen = self._within(begin_ns, end_ns)
        if not has_calls or len(chosen) in (0, len(self._files)):
            return chosen
        if kept := self._parts_of_kept(chosen):
            return kept
        from arirecord.analytics.connection import connect

        low_ns, high_ns = begin_ns, end_ns
        while True:
            first_ns, last_ns = _begin(chosen[0]), max(map(_end, chosen))
            with connect([part.path for part in chosen], models=["int_channel_facts", "int_call_channels"]) as db:
                limits = {"begin_ns": begin_ns, "end_ns": end_ns}
                ((older_ns, is_open),) = db.execute(_OPEN_CALLS, limits).fetchall()
            if older_ns is not None and older_ns < first_ns:
                low_ns = max(older_ns - margin_ns, begin_ns - _LONGEST_NS)
            if is_open:
                after = self._within(last_ns + 1, min(last_ns, end_ns) + _LONGEST_NS)
                high_ns = min((_begin(part) for part in after if _begin(part) > last_ns), default=last_ns)
            wider = self._within(min(low_ns, first_ns), max(high_ns, last_ns))
            if len(wider) == len(chosen):
                return chosen
            chosen = wider

    def _parts_of_kept(self, parts: Sequence[Part]) -> Sequence[Part]:
        """Return the parts of all kept windows with rows of some parts; none if one of these is in no kept window."""
        prints = {*map(fingerprint, parts)}
        windows = [
            window
            for window in self._kept
            if not prints.isdisjoint(part.fingerprint for part in (*window.parts, *window.guests))
        ]
        needed = {part.fingerprint for window in windows for part in window.parts}
        if not windows or not prints <= needed:
            return []
        days = [(date_of(window.folder.partition("/")[2]), timedelta(days=window.days)) for window in windows]
        begin_ns, end_ns = (
            _midnight_ns(min(day for day, _ in days)),
            _midnight_ns(max(day + length for day, length in days)),
        )
        found = [part for part in self._within(begin_ns, end_ns) if fingerprint(part) in needed]
        return found if len(found) == len(needed) else []

    def _within(self, begin_ns: int, end_ns: int) -> list[Part]:
        """Return the parts with rows from `begin_ns` to `end_ns`, in order of time."""
        times = ((path, *_times(path, day)) for path, day in self._files)
        parts = [self._part(path) for path, low_ns, high_ns in times if low_ns <= end_ns and high_ns >= begin_ns]
        found = [part for part in parts if part and part.extent and _begin(part) <= end_ns and _end(part) >= begin_ns]
        return sorted(found, key=_begin)

    def _part(self, path: Path) -> Part | None:
        if path not in self._parts and path not in self.damaged:
            try:
                self._parts[path] = known_part(path) or read_part(path)
            except NotASession:
                if part_at(path) is None:
                    raise
                self.damaged.add(path)
        return self._parts.get(path)


def _times(path: Path, day: date | None) -> tuple[int, int]:
    """Return between which times the rows of a part of a lake are, by its day and the times in its name."""
    if day is None:
        return 0, _NEVER_NS
    midnight_ns = _midnight_ns(day)
    low_ns, high_ns = midnight_ns, midnight_ns + _DAY_NS
    if times := _NAME.match(path.name):
        first_s, last_s = (int(time[:2]) * 3600 + int(time[2:4]) * 60 + int(time[4:]) for time in times.groups())
        # Rows of up to an hour before the day can be in it.
        low_ns = midnight_ns + (first_s if first_s <= last_s else 0) * 10**9
        high_ns = midnight_ns + (last_s + 1) * 10**9
    return low_ns - _TOLERANCE_NS, high_ns + _TOLERANCE_NS


def _midnight_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9


def _begin(part: Part) -> int:
    return min(part.extent.begin_ns if part.extent else 0, *_received(part))


def _end(part: Part) -> int:
    return max(part.extent.end_ns if part.extent else 0, *_received(part))


def _received(part: Part) -> Sequence[int]:
    """Return when the first and the last row were received, by the wall clock."""
    times = filter(None, (part.header.first_at, part.header.last_at))
    return [int(datetime.fromisoformat(time).timestamp() * 10**6) * 1000 for time in times]
