"""Which channels and bridges are meant by a call, a channel or a number."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from arirecord.analytics import connect
from arirecord.errors import ArirecordError
from arirecord.session.reader import Session

__all__ = ["Parts", "find_parts"]

_MODELS = ("channels", "legs")
_CHANNELS = """
    SELECT channel_id, channel_name, call_id, caller_number, last_caller_number, connected_number,
        last_connected_number, exten, last_exten
    FROM channels LEFT JOIN (SELECT channel_id, call_id FROM legs) USING (channel_id)
"""
_STAYS = """
    SELECT bridge_id, channel_id FROM ChannelEnteredBridge
    UNION SELECT bridge_id, channel_id FROM ChannelLeftBridge
"""


@dataclass(frozen=True)
class Parts:
    """Channels by id, and the bridges that they were in."""

    channel_ids: frozenset[str]
    bridge_ids: frozenset[str]


def find_parts(
    session: Session, *, calls: Collection[str] = (), channels: Collection[str] = (), numbers: Collection[str] = ()
) -> Parts:
    """The channels of these calls (by call id, or the id of any channel in them), these channels (by id or name), and
    those of the calls in which one of these numbers occurs as caller, connected or dialled. Where more than one is
    given, channels that satisfy each. Numbers are compared by their digits; + and 00 before them count for nothing.

    Raises `ArirecordError` for a call, channel or number that the session does not have.
    """
    with connect(session, models=_MODELS) as db:
        known = db.execute(_CHANNELS).fetchall()
        by_call: dict[str, set[str]] = {}
        for channel_id, _, call_id, *_ in known:
            by_call.setdefault(call_id or channel_id, set()).add(channel_id)
        call_of = {channel_id: call_id or channel_id for channel_id, _, call_id, *_ in known}
        chosen: list[set[str]] = []
        if calls:
            missing = [call for call in calls if call not in by_call and call not in call_of]
            _refuse(missing, "call", session, '`arirecord query SESSION "SELECT call_id FROM calls"` lists them')
            chosen.append({c for call in calls for c in by_call[call_of.get(call, call)]})
        if channels:
            found = {wanted: {row[0] for row in known if wanted in row[:2]} for wanted in channels}
            _refuse([w for w, ids in found.items() if not ids], "channel", session, "give its id or its whole name")
            chosen.append(set().union(*found.values()))
        if numbers:
            plain = {number: _digits(number) for number in numbers}
            seen = {_digits(number): None for row in known for number in row[3:] if number}
            _refuse([n for n, digits in plain.items() if digits not in seen], "number", session, "no channel has it")
            having = {row[0] for row in known if any(_digits(n) in plain.values() for n in row[3:] if n)}
            chosen.append({c for channel in having for c in by_call[call_of[channel]]})
        channel_ids = frozenset(set.intersection(*chosen)) if chosen else frozenset()
        stays = db.execute(_STAYS).fetchall()
    return Parts(channel_ids, frozenset(bridge_id for bridge_id, channel_id in stays if channel_id in channel_ids))


def _digits(number: str) -> str:
    """A number as compared: `+420 123` and `00420123` are one; what has no digit at all stays."""
    digits = re.sub(r"[\s().+/-]", "", number)
    return digits.removeprefix("00") if digits.isdecimal() and len(digits) > 9 else digits or number


def _refuse(missing: Collection[str], what: str, session: Session, hint: str) -> None:
    if missing:
        raise ArirecordError(f"{session.path} has no {what} {', '.join(missing)}; {hint}")
