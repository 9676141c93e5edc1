"""Find the channels and bridges of a call, a channel or a number."""

from collections.abc import Collection
from dataclasses import dataclass

from arirecord.analytics import connect
from arirecord.analytics.call_lookup import LOOKUP_MODELS, has_id, has_number
from arirecord.analytics.views import text
from arirecord.errors import ArirecordError
from arirecord.session.reader import SessionFile

__all__ = ["Parts", "find_parts"]

_STAYS = """
    SELECT bridge_id, channel_id FROM ChannelEnteredBridge
    UNION SELECT bridge_id, channel_id FROM ChannelLeftBridge
"""


@dataclass(frozen=True)
class Parts:
    """Ids of channels, and of the bridges that they were in."""

    channel_ids: frozenset[str]
    bridge_ids: frozenset[str]


def find_parts(
    session: SessionFile, *, calls: Collection[str] = (), channels: Collection[str] = (), numbers: Collection[str] = ()
) -> Parts:
    """Return the channels of these calls (by an id), these channels (by id or name), and those of the calls in which
    one of these numbers occurs, as in `analytics.call_lookup`. Several conditions must all match.

    Raises `ArirecordError` for a call, channel or number that the session does not have.
    """
    asked = (
        ("call", calls, has_id, '`arirecord query SESSION "SELECT call_id FROM calls"` lists them'),
        ("channel", channels, _is_channel, "give its id or its whole name"),
        ("number", numbers, has_number, "no channel has it; '*123' means numbers that end with 123"),
    )
    with connect(session, models=LOOKUP_MODELS) as db:
        chosen: list[set[str]] = []
        for thing, values, condition, hint in asked:
            if not values:
                continue
            rows_of = {
                value: db.execute(f"SELECT channel_id FROM legs WHERE {condition([value])}").fetchall()
                for value in values
            }
            if missing := [value for value, rows in rows_of.items() if not rows]:
                raise ArirecordError(f"{session.path} has no {thing} {', '.join(missing)}; {hint}")
            chosen.append({channel_id for rows in rows_of.values() for (channel_id,) in rows})
        channel_ids = frozenset(set.intersection(*chosen)) if chosen else frozenset()
        stays = db.execute(_STAYS).fetchall()
    return Parts(channel_ids, frozenset(bridge_id for bridge_id, channel_id in stays if channel_id in channel_ids))


def _is_channel(ids: Collection[str]) -> str:
    listed = ", ".join(map(text, ids))
    return f"channel_id IN ({listed}) OR channel_name IN ({listed})"
