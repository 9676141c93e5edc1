"""The calls of a recording, looked up for a replay."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from arirecord.replay.timing.call_filter import CallFrames
    from arirecord.select.times import Position
    from arirecord.session.reader import SessionFile

__all__ = ["call_starts", "find_call"]

_BRIDGES = """
SELECT DISTINCT bridge_id FROM ChannelEnteredBridge
WHERE channel_id IN (SELECT channel_id FROM legs WHERE call_id = ?)
"""


def find_call(session: "SessionFile", wanted: str) -> "CallFrames":
    """The call with this id, or that of the channel with this id. Fails as wrong usage where there is none."""
    import arirecord
    from arirecord.analytics.call_lookup import LOOKUP_MODELS, has_id
    from arirecord.replay.timing.call_filter import CallFrames
    from arirecord.select.times import Position
    from arirecord.session.positions import find_places

    with arirecord.connect(session, models=LOOKUP_MODELS) as database:
        found = database.execute(
            f"SELECT call_id, min(first_seq), max(last_seq) FROM legs WHERE {has_id([wanted])} GROUP BY 1"
        ).fetchone()
        if found is None:
            raise click.BadParameter(
                f"The recording has no call or channel {wanted!r}. `arirecord calls SESSION` lists the calls.",
                param_hint="--only-call",
            )
        call_id, first_seq, last_seq = found
        channels = database.execute("SELECT channel_id FROM legs WHERE call_id = ?", [call_id]).fetchall()
        bridges = database.execute(_BRIDGES, [call_id]).fetchall()
    places = find_places([first_seq, last_seq], session)
    begin, end = places[0], places[-1]
    return CallFrames(
        call_id,
        frozenset(row[0] for row in channels),
        frozenset(row[0] for row in bridges if row[0] is not None),
        begin,
        Position(end.ns, end.seq + 1),
    )


def call_starts(session: "SessionFile") -> "list[Position]":
    """Where each call begins, in order."""
    import arirecord
    from arirecord.session.positions import find_places

    with arirecord.connect(session, models=["legs"]) as database:
        rows = database.execute("SELECT min(first_seq) FROM legs GROUP BY call_id ORDER BY 1").fetchall()
    return find_places([row[0] for row in rows], session)
