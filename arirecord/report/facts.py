"""What the story of a call is told from: rows of the models and the call's own events, read from a connection."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import duckdb
import orjson

from arirecord.ari.catalogue import channel_columns
from arirecord.errors import ArirecordError

from .frame_texts import frame_texts

__all__ = ["MODELS", "Event", "Facts", "NoSuchCall", "Row", "read_facts"]

Row = Mapping[str, Any]

MODELS = (
    "bridge_stays", "calls", "hangups", "int_conversations", "int_talk_stays", "legs", "links",
    "talk_intervals", "transfers",
)  # fmt: skip
"""The models that `read_facts` reads."""


class NoSuchCall(ArirecordError):
    """No call of that id is in the session."""


@dataclass(frozen=True)
class Event:
    """One row that has to do with the call. `at` is the event's own time, else that of receipt; `data` the frame."""

    seq: int
    at: datetime
    kind: str
    type: str
    data: Row
    received_at: datetime | None = None

    def part(self, name: str) -> Row:
        """An object in the event (`channel`, `bridge`, `playback` …); empty where it is none."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}

    def id_of(self, name: str) -> str | None:
        """The id of such an object."""
        found = self.part(name).get("id")
        return found if isinstance(found, str) else None

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
    """Rows about one call by where they come from, each in order, and what goes beyond the call.

    That is when the recording ends, whether it holds an application's REST calls, and in which of the call's bridges
    channels of other calls were.
    """

    call: Row
    legs: Sequence[Row]
    hangups: Sequence[Row]
    stays: Sequence[Row]
    talks: Sequence[Row]
    speech: Sequence[Row]
    transfers: Sequence[Row]
    links: Sequence[Row]
    events: Sequence[Event]
    recording_ended_at: datetime
    is_tapped: bool = False
    shared_bridge_ids: frozenset[str] = frozenset()


def read_facts(connection: duckdb.DuckDBPyConnection, call_id: str) -> Facts:
    """All facts about one call, from a connection that has `MODELS`.

    Raises `NoSuchCall`.
    """
    calls = _rows(connection, "SELECT * FROM calls WHERE call_id = ?", [call_id])
    if not calls:
        raise NoSuchCall(f"no call {call_id} is in the session; `arirecord query … 'FROM calls'` lists them")
    legs = _rows(connection, "SELECT * FROM legs WHERE call_id = ? ORDER BY first_seq, channel_id", [call_id])
    ids = [leg["channel_id"] for leg in legs]
    stays = _of_channels(connection, "SELECT * FROM bridge_stays WHERE {is_in} ORDER BY entered_seq", ids)
    present = {column[0] for column in connection.execute("SELECT * FROM rows LIMIT 0").description or ()}
    ended_at, is_tapped = _recording(connection, present)
    return Facts(
        call=calls[0],
        legs=legs,
        hangups=_of_channels(connection, "SELECT * FROM hangups WHERE {is_in}", ids),
        stays=stays,
        talks=_of_channels(connection, _TALKS, ids),
        speech=_of_channels(connection, "SELECT * FROM talk_intervals WHERE {is_in} ORDER BY seq", ids),
        transfers=_rows(connection, _TRANSFERS, {"call": call_id, "channels": ids}),
        links=_rows(connection, "SELECT * FROM links WHERE call_id = ? AND is_same_call ORDER BY seq", [call_id]),
        events=_events(connection, calls[0], ids, {stay["bridge_id"] for stay in stays}, present),
        recording_ended_at=ended_at,
        is_tapped=is_tapped,
        shared_bridge_ids=frozenset(row["bridge_id"] for row in _rows(connection, _SHARED, [ids, ids])),
    )


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
WHERE stays.{is_in}
ORDER BY started_seq
"""

# Recorded linkedids can keep the two calls apart that an attended transfer joins: it is told in both.
_TRANSFERS = """
SELECT * FROM transfers
WHERE call_id = $call OR list_has_any($channels, list_value(
    transferer_channel_id, transferer_second_channel_id, transferee_channel_id, target_channel_id
))
ORDER BY seq
"""

_SHARED = """
SELECT DISTINCT bridge_id FROM bridge_stays
WHERE channel_id NOT IN (SELECT unnest(?))
    AND bridge_id IN (SELECT bridge_id FROM bridge_stays WHERE channel_id IN (SELECT unnest(?)))
"""

_GAPS_BETWEEN = """
SELECT seq, end_at, 'connection', 'gap', '{"connection_reason":"no recording was running"}', end_at
FROM recording_gaps
WHERE is_between_parts AND seq BETWEEN ? AND ?
"""

_BRIDGE_TYPES = ("BridgeCreated", "BridgeDestroyed", "BridgeMerged", "BridgeVideoSourceChanged")


def _events(
    connection: duckdb.DuckDBPyConnection,
    call: Row,
    channel_ids: Sequence[str],
    bridge_ids: Iterable[str],
    present: Collection[str],
) -> Sequence[Event]:
    """Events that name a channel of the call, of its bridges, playing or recording there, REST calls about these, and
    from the call's beginning to its end gaps and notes.
    """
    bridges = sorted(bridge_ids)
    targets = [f"channel:{i}" for i in channel_ids] + [f"bridge:{i}" for i in bridges]
    span = "seq BETWEEN $first AND $last"
    named = " OR ".join(f"{c} IN (SELECT unnest($channels))" for c in channel_columns("id") if c in present)
    conditions = [f"{span} AND ({named})"] if named else []
    if "bridge_id" in present:
        conditions.append(f"type IN {_BRIDGE_TYPES} AND bridge_id IN (SELECT unnest($bridges))")
    for column in ("playback_target_uri", "recording_target_uri"):
        if column in present:
            conditions.append(f"{span} AND {column} IN (SELECT unnest($targets))")
    if "rest_uri" in present:
        body = "rest_request_body" if "rest_request_body" in present else "NULL"
        said = f"concat_ws(' ', url_decode(rest_uri), {body})"
        conditions.append(f"kind = 'rest' AND rest_by = 'app' AND list_bool_or([contains({said}, i) FOR i IN $names])")
    conditions.append(f"{span} AND (kind = 'mark' OR kind = 'connection' AND type = 'gap')")
    found = connection.execute(
        "SELECT seq, COALESCE(timestamp, received_at) AS at, kind, type, raw, received_at FROM rows WHERE ("
        + ") OR (".join(conditions)
        + ") ORDER BY seq",
        _named(
            conditions,
            channels=channel_ids, bridges=bridges, targets=targets, names=[*channel_ids, *bridges],
            first=call["first_seq"], last=call["last_seq"],
        ),
    ).fetchall()  # fmt: skip
    found += connection.execute(_GAPS_BETWEEN, [call["first_seq"], call["last_seq"]]).fetchall()
    texts = frame_texts(connection, [row[0] for row in found])
    seen: set[bytes] = set()
    events = []
    for seq, at, kind, event_type, raw, received_at in sorted(found, key=lambda row: row[0]):
        data = _parse(texts[seq] if raw is None else raw)
        same = orjson.dumps({**data, "application": None}, option=orjson.OPT_SORT_KEYS)
        # What Asterisk sends twice, or to two applications on one socket, happened once.
        if kind != "event" or same not in seen:
            seen.add(same)
            events.append(Event(seq, at, kind, event_type or "", data, received_at))
    return events


def _named(conditions: Sequence[str], **values: Any) -> dict[str, Any]:
    """The parameters that the SQL names; DuckDB refuses any other."""
    text = " ".join(conditions)
    return {name: value for name, value in values.items() if f"${name}" in text}


def _parse(raw: str) -> Row:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def _recording(connection: duckdb.DuckDBPyConnection, present: Collection[str]) -> tuple[datetime, bool]:
    """When the recording ends, by the last event's time or receipt, and whether it has an application's REST calls."""
    tapped = "count(*) FILTER (kind = 'rest' AND rest_by = 'app') > 0"
    (found,) = connection.execute(
        f"SELECT max(COALESCE(timestamp, received_at)), {tapped if 'rest_by' in present else 'false'} FROM rows"
    ).fetchall()
    return found


def _of_channels(connection: duckdb.DuckDBPyConnection, sql: str, ids: Sequence[str]) -> Sequence[Row]:
    return _rows(connection, sql.format(is_in="channel_id IN (SELECT unnest(?))"), [ids])


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> Sequence[Row]:
    result = connection.execute(sql, values)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
