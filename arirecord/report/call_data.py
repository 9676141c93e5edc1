"""Read the data of a call's story from a connection: rows of the models and the call's own events."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import duckdb
import orjson

from arirecord.analytics.connection import tables_of_server
from arirecord.errors import NoSuchCall
from arirecord.json_text import json_object

from .call_rows import rows_of_calls
from .story import Bridge

__all__ = ["MODELS", "Event", "EventContext", "Facts", "Row", "is_detail", "read_facts", "read_facts_of"]

Row = Mapping[str, Any]

MODELS = (
    "bridge_stays", "calls", "findings", "hangups", "int_conversations", "int_talk_stays", "legs", "links",
    "queue_calls", "talk_intervals", "transfers", "turns",
)  # fmt: skip

"""The models that `read_facts` reads."""


@dataclass(frozen=True)
class Event:
    """One row about the call. `at` is the event's own time, otherwise its receipt; `data` is the decoded frame."""

    seq: int
    at: datetime
    kind: str
    type: str
    data: Row

    def part(self, name: str) -> Row:
        """Return an object of the event (`channel`, `bridge`, `playback` …); empty if it has none of that name."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}

    def id_of(self, name: str) -> str | None:
        """Return the id of such an object."""
        value = self.part(name).get("id")
        return value if isinstance(value, str) else None

    @cached_property
    def channel_id(self) -> str | None:
        """The channel that the event is about."""
        return self.id_of("channel")

    @cached_property
    def bridge_id(self) -> str | None:
        """The bridge that the event is about."""
        return self.id_of("bridge")


@dataclass(frozen=True)
class Facts:
    """Rows about one call by source, each in order, and the end of the recording.

    timezone: zone in which its times are shown, from the parameter of the models. The times are UTC.
    """

    call: Row
    legs: Sequence[Row]
    hangups: Sequence[Row]
    stays: Sequence[Row]
    talks: Sequence[Row]
    speech: Sequence[Row]
    transfers: Sequence[Row]
    links: Sequence[Row]
    queue_waits: Sequence[Row]
    findings: Sequence[Row]
    turns: Sequence[Row]
    events: Sequence[Event]
    recording_ended_at: datetime
    timezone: str


def read_facts(connection: duckdb.DuckDBPyConnection, call_id: str, server: str | None = None) -> Facts:
    """Read all facts about one call of a server, from a connection that has `MODELS`. None: the first server with it.

    Raises `NoSuchCall` for an unknown call.
    """
    servers = connection.execute(
        "SELECT server FROM calls WHERE call_id = $id AND COALESCE(server = $server, true) ORDER BY first_seq LIMIT 1",
        {"id": call_id, "server": server},
    ).fetchall()
    for (of_server,) in servers:
        with tables_of_server(connection, of_server):
            return next(iter(read_facts_of(connection, [call_id])))
    raise NoSuchCall(f"no call {call_id} is in the session; `arirecord query … 'FROM calls'` lists them")


def read_facts_of(connection: duckdb.DuckDBPyConnection, call_ids: Sequence[str]) -> Iterator[Facts]:
    """Yield the facts about many calls, in the order of their beginning; unknown ids are left out.

    Up to 500 calls are read at once: that takes hardly longer than one.
    """
    ordered = connection.execute(
        "SELECT call_id FROM calls WHERE call_id IN (SELECT unnest(?)) ORDER BY first_seq", [call_ids]
    ).fetchall()
    ((ended_at,),) = connection.execute("SELECT max(COALESCE(timestamp, received_at)) FROM rows").fetchall()
    ((timezone,),) = connection.execute("SELECT param_text('timezone')").fetchall()
    for begin in range(0, len(ordered), _AT_ONCE):
        yield from _read_some(
            connection, [call_id for (call_id,) in ordered[begin : begin + _AT_ONCE]], ended_at, timezone
        )


_AT_ONCE = 500


def _read_some(
    connection: duckdb.DuckDBPyConnection, call_ids: Sequence[str], ended_at: datetime, timezone: str
) -> Iterator[Facts]:
    is_in = "call_id IN (SELECT unnest($ids))"
    calls = _rows(connection, f"SELECT * FROM calls WHERE {is_in} ORDER BY first_seq", {"ids": call_ids})
    legs = _rows(connection, f"SELECT * FROM legs WHERE {is_in} ORDER BY first_seq, channel_id", {"ids": call_ids})
    call_of = {leg["channel_id"]: leg["call_id"] for leg in legs}

    def of_calls(sql: str) -> Mapping[str, Sequence[Row]]:
        return _grouped(_rows(connection, sql, {"ids": call_ids}), lambda row: [row["call_id"]])

    def calls_of_transfer(row: Row) -> list[str]:
        # Recorded linkedids can separate the two calls that an attended transfer joins: it is in both stories.
        named = [call_of[row[name]] for name in _PARTIES if row[name] in call_of]
        return list(dict.fromkeys([*named, row["call_id"]] if row["call_id"] in call_ids else named))

    of_leg = _grouped(legs, lambda row: [row["call_id"]])
    stays = of_calls(f"SELECT * FROM bridge_stays WHERE {is_in} ORDER BY entered_seq")
    hangups = of_calls(f"SELECT * FROM hangups WHERE {is_in}")
    talks = _grouped(_rows(connection, _TALKS, {"ids": list(call_of)}), lambda row: [call_of[row["channel_id"]]])
    speech = of_calls(f"SELECT * FROM talk_intervals WHERE {is_in} ORDER BY seq")
    transfers = _grouped(
        _rows(connection, _TRANSFERS, {"calls": call_ids, "ids": list(call_of)}), calls_of_transfer
    )  # fmt: skip
    links = of_calls(f"SELECT * FROM links WHERE {is_in} AND is_same_call ORDER BY seq")
    waits = of_calls(f"SELECT * FROM queue_calls WHERE {is_in} ORDER BY seq")
    findings = of_calls(f"SELECT * FROM findings WHERE {is_in} ORDER BY seq")
    turns = of_calls(f"SELECT * FROM turns WHERE {is_in} ORDER BY started_at, turn_seq")
    rows = _grouped(rows_of_calls(connection, calls, call_of, stays), lambda row: [row["call_id"]])
    for call in calls:
        call_id = call["call_id"]
        yield Facts(
            call=call,
            legs=of_leg[call_id],
            hangups=hangups[call_id],
            stays=stays[call_id],
            talks=talks[call_id],
            speech=speech[call_id],
            transfers=transfers[call_id],
            links=links[call_id],
            queue_waits=waits[call_id],
            findings=findings[call_id],
            turns=turns[call_id],
            events=_events(rows[call_id]),
            recording_ended_at=ended_at,
            timezone=timezone,
        )


def _grouped(rows: Sequence[Row], calls_of: Callable[[Row], Iterable[str]]) -> Mapping[str, Sequence[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for call_id in calls_of(row):
            groups[call_id].append(row)
    return groups


_PARTIES = (
    "transferer_channel_id", "transferer_second_channel_id", "transferee_channel_id", "target_channel_id",
)  # fmt: skip

_TALKS = """
SELECT
    stays.channel_id, stays.bridge_id,
    greatest(stays.entered_at, talks.started_at) AS started_at,
    least(stays.left_at, talks.ended_at) AS ended_at,
    greatest(stays.entered_seq, talks.first_seq) AS started_seq,
    least(stays.left_seq, talks.last_seq) AS ended_seq
FROM int_talk_stays AS stays
JOIN int_conversations AS talks
    ON talks.bridge_id = stays.bridge_id
    AND COALESCE(talks.first_seq < stays.left_seq, true)
    AND COALESCE(stays.entered_seq < talks.last_seq, true)
WHERE stays.channel_id IN (SELECT unnest($ids))
ORDER BY started_seq
"""

_TRANSFERS = f"""
SELECT * FROM transfers
WHERE call_id IN (SELECT unnest($calls))
    OR {" OR ".join(f"{name} IN (SELECT unnest($ids))" for name in _PARTIES)}
ORDER BY seq
"""


def _events(rows: Sequence[Row]) -> Sequence[Event]:
    """Return events once if Asterisk sent them twice, or to two applications on one socket."""
    seen: set[bytes] = set()
    events = []
    for row in rows:
        data = json_object(row["raw"])
        same = _without_application(data, row["raw"])
        if row["kind"] != "event" or same not in seen:
            seen.add(same)
            events.append(Event(row["seq"], row["at"], row["kind"], row["type"] or "", data))
    return events


def _without_application(data: Row, raw: str) -> bytes:
    try:
        return orjson.dumps({**data, "application": None}, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # nested deeper than orjson writes
        return raw.encode()


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
    result = connection.execute(sql, values)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


_STEPS = (
    "", "appdial", "appdial2", "noop", "set", "mset", "execif", "gotoif", "goto", "gosub", "gosubif", "return",
    "verbose", "log", "exec", "macro", "while", "endwhile",
)  # fmt: skip

"""Dialplan applications that only control the dialplan."""

_OWN_VARIABLES = (
    "ABANDONED", "ANSWEREDTIME", "ATTENDEDTRANSFER", "BLINDTRANSFER", "BRIDGEPEER", "BRIDGEPVTCALLID",
    "BRIDGE_FEATURES", "CHANLOCALSTATUS", "DIALEDPEER", "DIALEDTIME", "DIALSTATUS", "FORWARDERNAME", "HANGUPCAUSE",
    "PARK", "PLAYBACKSTATUS", "PROGRESSTIME", "QUEUE", "READSTATUS", "RINGTIME", "RTPAUDIOQOS", "RTPVIDEOQOS",
    "SIPCALLID", "SIPDOMAIN", "SIPREFER", "SIPTRANSFER", "STASISSTATUS", "TRANSFERERNAME", "UNICASTRTP", "__SIPREFER",
)  # fmt: skip

"""Prefixes of the variables that Asterisk sets itself."""

_DETAILS = ("ChannelCallerId", "ChannelConnectedLine", "ChannelTalkingFinished", "ChannelTalkingStarted")


@dataclass
class EventContext:
    """Context of an event: bridges by id, roles of channels, and earlier requests and holds."""

    bridges: Mapping[str, Bridge]
    roles: Mapping[str, str | None]
    dialled: frozenset[str] = frozenset()
    in_stasis: frozenset[str] = frozenset()
    asked: set[str] = field(default_factory=set)
    holding: set[str] = field(default_factory=set)

    def remember(self, event: Event) -> None:
        """Store what later events need to know of this one."""
        if event.channel_id is None:
            return
        if event.type == "ChannelHangupRequest":
            self.asked.add(event.channel_id)
        elif event.type == "ChannelHold":
            self.holding.add(event.channel_id)
        elif event.type == "ChannelUnhold":
            self.holding.discard(event.channel_id)

    def bridge(self, bridge_id: str | None) -> Bridge:
        """Return the bridge; for one that is not the call's, a bridge without a number."""
        return self.bridges.get(bridge_id or "") or Bridge(bridge_id or "", f"bridge {bridge_id}")


def is_detail(event: Event, context: EventContext) -> bool:
    """Return true for an event that matters little for the story of the call."""
    if event.type in _DETAILS:
        return True
    if event.type == "ChannelVarset":
        return event.channel_id is None or str(event.data.get("variable")).startswith(_OWN_VARIABLES)
    if event.type == "ChannelDialplan":
        app = str(event.data.get("dialplan_app", "")).lower()
        return app in _STEPS or (app == "stasis" and event.channel_id in context.in_stasis)
    if event.type in ("BridgeCreated", "BridgeDestroyed"):
        return context.bridge(event.bridge_id).bridge_class == "basic"
    if event.type == "ChannelHangupRequest":
        # Asterisk forwards a request to itself: only the first one counts.
        return event.data.get("soft") is True and event.channel_id in context.asked
    if event.type in ("ChannelCreated", "ChannelStateChange") and event.channel_id in context.dialled:
        # The Dial event has the same state.
        return event.part("channel").get("state") in ("Down", "Ringing", "Up")
    return False
