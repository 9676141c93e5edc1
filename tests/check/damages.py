"""Damages to real recordings, each with the rule that is meant for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.rows import own_text
from arirecord.session.seal import seal
from tests.session.doctoring import damage, put

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Recorded:
    """A row of a session; `frame` is its decoded JSON."""

    wall_ns: int
    elapsed_ns: int
    kind: str
    frame: Any

    @property
    def type(self) -> str:
        return str(self.frame.get("type", ""))

    @property
    def channel_id(self) -> str | None:
        return (self.frame.get("channel") or {}).get("id")

    def with_(self, **keys: Any) -> "Recorded":
        """The row with other values in its frame."""
        return replace(self, frame={**self.frame, **keys})

    def moved(self, seconds: float) -> "Recorded":
        """The row with another timestamp."""
        at = datetime.fromisoformat(self.frame["timestamp"]) + timedelta(seconds=seconds)
        return self.with_(timestamp=at.isoformat(timespec="milliseconds").replace("+00:00", "+0000"))


Rows = list[Recorded]


def read(session: Path) -> Rows:
    table = pq.read_table(session, columns=["received_at", "elapsed_ns", "kind", "raw"])
    rows = zip(*(column.to_pylist() for column in table.cast(_PLAIN).columns), strict=True)
    return [Recorded(at * 1000, elapsed, kind, orjson.loads(raw)) for at, elapsed, kind, raw in rows]


_PLAIN = pa.schema({"received_at": pa.int64(), "elapsed_ns": pa.int64(), "kind": pa.string(), "raw": pa.string()})


def write(rows: Rows, source: Path, target: Path) -> Path:
    """Seal rows to a session with the source of another."""
    header = open_session(source).header
    writer = JournalWriter(journal_path(target), header.started_ns, dict(header.source))
    writer.write(
        (
            row.wall_ns,
            row.elapsed_ns,
            row.kind,
            row.frame if isinstance(row.frame, str) else orjson.dumps(row.frame).decode(),
        )
        for row in rows
    )
    writer.close()
    seal(journal_path(target), target)
    return target


def first(rows: Rows, type: str, is_meant: Callable[[Recorded], bool] = lambda row: True) -> int:
    """The index of the first event of this type."""
    return next(at for at, row in enumerate(rows) if row.kind == "event" and row.type == type and is_meant(row))


def without(type: str, **keys: Any) -> Callable[[Rows], Rows]:
    """Leave out the first event of this type."""

    def damaged(rows: Rows) -> Rows:
        at = first(rows, type, lambda row: all(row.frame.get(key) == value for key, value in keys.items()))
        return [*rows[:at], *rows[at + 1 :]]

    return damaged


def changed(type: str, change: Callable[[Recorded], Recorded]) -> Callable[[Rows], Rows]:
    """Change the first event of this type."""

    def damaged(rows: Rows) -> Rows:
        at = first(rows, type)
        return [*rows[:at], change(rows[at]), *rows[at + 1 :]]

    return damaged


def put_after(rows: Rows, at: int, after: int) -> Rows:
    """Move a row behind another one, with the times of receipt of that one."""
    later = replace(rows[at], wall_ns=rows[after].wall_ns, elapsed_ns=rows[after].elapsed_ns)
    return [*rows[:at], *rows[at + 1 : after + 1], later, *rows[after + 1 :]]


def event_after_its_channel_ended(rows: Rows) -> Rows:
    end = first(rows, "ChannelDestroyed")
    at = max(
        n
        for n, row in enumerate(rows[:end])
        if row.type == "ChannelDialplan" and row.channel_id == rows[end].channel_id
    )
    return put_after(rows, at, end)


def creation_after_the_next_event(rows: Rows) -> Rows:
    at = first(rows, "ChannelCreated")
    after = next(n for n, row in enumerate(rows) if n > at and row.channel_id == rows[at].channel_id)
    return put_after(rows, at, after)


def lost_in_a_call(rows: Rows) -> Rows:
    """The connection was away while a call was up."""
    return gap(rows, first(rows, "ChannelEnteredBridge") + 1)


def gap(rows: Rows, at: int) -> Rows:
    """Five events are lost."""
    lost = orjson.loads(own_text("connection", "gap", reason="reset by peer", lost_count=5))
    return [*rows[:at], replace(rows[at], kind="connection", frame=lost), *rows[at + 5 :]]


def dial_without_its_outcome(rows: Rows) -> Rows:
    peer = rows[first(rows, "Dial")].frame["peer"]["id"]
    return [r for r in rows if not (r.type == "Dial" and r.frame["peer"]["id"] == peer and r.frame["dialstatus"])]


def answered_without_a_bridge(rows: Rows) -> Rows:
    peer = rows[first(rows, "Dial", lambda row: bool(row.frame["dialstatus"] == "ANSWER"))].frame["peer"]["id"]
    return [r for r in rows if not (r.channel_id == peer and r.type in ("ChannelEnteredBridge", "ChannelLeftBridge"))]


def later(rows: Rows, after: int, seconds: int) -> Rows:
    """What follows a row happens later."""
    ns = seconds * SECOND_NS
    moved = [replace(row, wall_ns=row.wall_ns + ns, elapsed_ns=row.elapsed_ns + ns) for row in rows[after + 1 :]]
    return [*rows[: after + 1], *(row.moved(seconds) if "timestamp" in row.frame else row for row in moved)]


def party_left_alone(rows: Rows) -> Rows:
    return later(rows, first(rows, "ChannelLeftBridge"), 10)


def bridge_left_behind(rows: Rows) -> Rows:
    at = first(rows, "BridgeDestroyed", lambda row: bool(row.frame["bridge"]["bridge_class"] == "stasis"))
    return later([*rows[:at], *rows[at + 1 :]], at, 10)


def received_late(rows: Rows) -> Rows:
    """What comes in the two seconds after the middle is received at their end, as after a stall."""
    stalled = rows[len(rows) // 2]
    ended_ns, wall_ns = stalled.elapsed_ns + 2 * SECOND_NS, stalled.wall_ns + 2 * SECOND_NS
    return [
        replace(row, elapsed_ns=ended_ns, wall_ns=wall_ns) if stalled.elapsed_ns <= row.elapsed_ns < ended_ns else row
        for row in rows
    ]


def wall_clock_goes_back(rows: Rows) -> Rows:
    half = len(rows) // 2
    return rows[:half] + [replace(row, wall_ns=row.wall_ns - 3600 * SECOND_NS) for row in rows[half:]]


def switch_clock_jumps(rows: Rows) -> Rows:
    half = len(rows) // 2
    return rows[:half] + [row.moved(30) if "timestamp" in row.frame else row for row in rows[half:]]


def switch_clock_goes_back(rows: Rows) -> Rows:
    at = first(rows, "ChannelStateChange")
    return [row.moved(-3) if n > at and "timestamp" in row.frame else row for n, row in enumerate(rows)]


def frame_cut_off(rows: Rows) -> Rows:
    at = first(rows, "ChannelVarset")
    text = orjson.dumps(rows[at].frame).decode()
    return [*rows[:at], replace(rows[at], frame=text[: len(text) // 2]), *rows[at + 1 :]]


def taken_over(rows: Rows) -> Rows:
    half = rows[len(rows) // 2]
    replaced = {"type": "ApplicationReplaced", "application": "rec", "timestamp": half.frame["timestamp"]}
    return [*rows[: len(rows) // 2], replace(half, frame=replaced), *rows[len(rows) // 2 :]]


def app_reacts_late(rows: Rows) -> Rows:
    return later(rows, first(rows, "StasisStart"), 4)


def request_refused(rows: Rows) -> Rows:
    at = next(n for n, row in enumerate(rows) if row.kind == "rest" and row.type == "POST")
    return [*rows[:at], rows[at].with_(rest_status=500), *rows[at + 1 :]]


def hold_without_its_end(rows: Rows) -> Rows:
    return [row for row in rows if row.type != "ChannelUnhold"]


DAMAGES: Sequence[tuple[str, str, Callable[[Rows], Rows]]] = (
    ("missing-end", "answered_bridge_talk/all", without("ChannelDestroyed")),
    ("missing-begin", "answered_bridge_talk/all", without("ChannelCreated")),
    ("missing-leave", "answered_bridge_talk/all", without("ChannelLeftBridge")),
    ("event-after-end", "answered_bridge_talk/all", event_after_its_channel_ended),
    ("event-order", "answered_bridge_talk/all", creation_after_the_next_event),
    ("gap-in-call", "answered_bridge_talk/all", lost_in_a_call),
    ("gap", "ivr_dtmf/all", lambda rows: gap(rows, len(rows) // 2)),
    ("hold-without-unhold", "hold_unhold/all", hold_without_its_end),
    ("dial-without-status", "answered_bridge_talk/all", dial_without_its_outcome),
    ("answered-but-alone", "answered_bridge_talk/all", answered_without_a_bridge),
    ("lonely-in-bridge", "answered_bridge_talk/all", party_left_alone),
    ("transfer-failed", "blind_transfer/all", changed("BridgeBlindTransfer", lambda row: row.with_(result="Fail"))),
    ("unusual-cause", "blind_transfer/all", changed("ChannelDestroyed", lambda row: row.with_(cause=41))),
    (
        "media-failed",
        "ivr_dtmf/all",
        changed("PlaybackFinished", lambda row: row.with_(playback={**row.frame["playback"], "state": "failed"})),
    ),
    ("bridge-left-behind", "hold_unhold/all", bridge_left_behind),
    ("app-did-not-react", "tapped_menu", app_reacts_late),
    ("app-was-refused", "tapped_menu", request_refused),
    ("late-event", "answered_bridge_talk/all", received_late),
    ("clock", "answered_bridge_talk/all", wall_clock_goes_back),
    ("switch-clock", "answered_bridge_talk/all", switch_clock_jumps),
    ("channel-order", "answered_bridge_talk/all", switch_clock_goes_back),
    ("drift", "answered_bridge_talk/all", frame_cut_off),
    ("replaced", "answered_bridge_talk/all", taken_over),
)
"""The rule, the recording, and the damage to its rows."""


FILE_DAMAGES: Sequence[tuple[str, Callable[[Path], object]]] = (
    (
        "header",
        lambda path: damage(path, lambda table: table, lambda header: replace(header, events=header.events + 1)),
    ),
    ("order", lambda path: damage(path, lambda table: pa.concat_tables([table.slice(0, 50), table.slice(51)]))),
    ("columns", lambda path: damage(path, lambda table: put(table, "channel_id", 60, "1.1"))),
    ("ended", lambda path: damage(path, lambda table: table, lambda header: replace(header, ended="interrupted"))),
)
