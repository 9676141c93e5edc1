"""Pruning: open only the parts of a session that a question about some time or some servers needs."""

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from arirecord.analytics.kept_tables import KeptWindow, fingerprint, read_windows, tables_folder
from arirecord.errors import ArirecordError, NotASession
from arirecord.session.folder_files import (
    is_lake,
    is_part_of_lake,
    matching_paths,
    sessions_and_journals,
    without_copies,
)
from arirecord.session.reader import Part, SessionFile, open_session, read_part

from .layout import date_of, list_parts

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
_ATTEMPTS = 5


def open_pruned(
    paths: str | Path | Sequence[str | Path],
    begin_ns: int | None = None,
    end_ns: int | None = None,
    *,
    servers: Collection[str] = (),
    has_calls: bool = False,
) -> SessionFile:
    """Open the parts of a session that matter for a time and for some servers; all if none does.

    paths: as for `open_session`. Of a lake, only days around the time are looked at.
    begin_ns, end_ns: nanoseconds since 1970 UTC; None: no limit.
    servers: by `asterisk_id`; empty: all.
    has_calls: whole calls are needed: the parts before and after are opened as long as a call is up at the border
        that has a channel in the time asked for, a day at most.

    Raises as `open_session` does, and `ArirecordError` if a file has events of other servers, too.
    """
    inputs = matching_paths([paths] if isinstance(paths, str | Path) else paths)
    begin_ns, end_ns = begin_ns or 0, (1 << 62) if end_ns is None else end_ns
    if (begin_ns, end_ns, *servers) == (0, 1 << 62) or any(_has_journals(path) for path in inputs):
        return open_session(inputs)
    if has_calls and any(read_windows(tables_folder(path)) for path in inputs if not is_lake(path)):
        return open_session(inputs)  # its kept tables are those of all parts
    for _ in range(_ATTEMPTS if any(map(is_lake, inputs)) else 0):
        with suppress(FileNotFoundError):  # a file of a lake can be merged with others after it was listed
            return _open_chosen(inputs, begin_ns, end_ns, servers, has_calls)
    return _open_chosen(inputs, begin_ns, end_ns, servers, has_calls)


def _open_chosen(
    inputs: Sequence[Path], begin_ns: int, end_ns: int, servers: Collection[str], has_calls: bool
) -> SessionFile:
    groups: list[_Parts] = [_Parts((path, None) for path in inputs if not is_lake(path) for path in _files(path))]
    for root in filter(is_lake, inputs):
        parts = list_parts(root, servers={*servers, None} if servers else None)
        kept = read_windows(tables_folder(root)) if has_calls and len(inputs) == 1 else ()
        groups += [
            _Parts(((part.path, part.day) for part in own), [window for window in kept if window.server == server])
            for server, own in groupby(parts, lambda part: part.server)
        ]
    chosen = [part for group in groups for part in group.around(begin_ns, end_ns, has_calls=has_calls)]
    if servers:
        chosen = [part for part in chosen if _is_of(part, servers)] or [
            part for group in groups for part in group.around(0, 1 << 62, has_calls=False) if _is_of(part, servers)
        ]
        if not chosen:
            raise ArirecordError(
                f"no part is of the server {' or '.join(servers)}: `arirecord info` lists the asterisk_ids"
            )
    # A part of a lake that cannot be read is named when it is opened.
    damaged = [path for group in groups for path in group.damaged]
    session = open_session(without_copies([*(part.path for part in chosen), *damaged]) if chosen else inputs)
    if len(inputs) == 1 and is_lake(inputs[0]):
        session.pruned_from = inputs[0]
    return session


class _Parts:
    """The parts of one server in a lake, or all files that are not in a lake. Footers are read when they are needed.

    files: paths, each with its day in a lake.
    kept: the windows of the server of which tables are kept.
    """

    def __init__(self, files: Iterable[tuple[Path, date | None]], kept: Sequence[KeptWindow] = ()) -> None:
        self._files, self._kept = list(files), kept
        self._parts: dict[Path, Part] = {}
        self.damaged: set[Path] = set()

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
        parts = [self._part(path) for path, day in self._files if day is None or _may_have(path, day, begin_ns, end_ns)]
        found = [part for part in parts if part and part.extent and _begin(part) <= end_ns and _end(part) >= begin_ns]
        return sorted(found, key=_begin)

    def _part(self, path: Path) -> Part | None:
        if path not in self._parts and path not in self.damaged:
            try:
                self._parts[path] = read_part(path)
            except NotASession:
                if not is_part_of_lake(path):
                    raise
                self.damaged.add(path)
        return self._parts.get(path)


def _may_have(path: Path, day: date, begin_ns: int, end_ns: int) -> bool:
    """Return whether a part of a lake can have rows of a time, by its day and the times in its name."""
    midnight_ns = _midnight_ns(day)
    low_ns, high_ns = midnight_ns, midnight_ns + _DAY_NS
    if times := _NAME.match(path.name):
        first_s, last_s = (int(time[:2]) * 3600 + int(time[2:4]) * 60 + int(time[4:]) for time in times.groups())
        # Rows of up to an hour before the day can be in it.
        low_ns = midnight_ns + (first_s if first_s <= last_s else 0) * 10**9
        high_ns = midnight_ns + (last_s + 1) * 10**9
    return low_ns - _TOLERANCE_NS <= end_ns and high_ns + _TOLERANCE_NS >= begin_ns


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


def _has_journals(path: Path) -> bool:
    return bool(sessions_and_journals(path)[1])


def _files(path: Path) -> Sequence[Path]:
    return sessions_and_journals(path)[0] or [path]


def _is_of(part: Part, servers: Collection[str]) -> bool:
    names = {name for name in part.header.asterisk_ids if name}
    if names & set(servers) and names - set(servers):
        raise ArirecordError(
            f"{part.path} has events of several servers: `arirecord ingest` puts each into its own part"
        )
    return not part.header.events or bool(names & set(servers))
