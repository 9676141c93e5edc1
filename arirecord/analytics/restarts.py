"""Restarts of Asterisk that a recording has no gap for, such as a log of an app that connects again."""

from collections.abc import Sequence
from typing import NamedTuple

from .statement_runner import StatementRunner
from .views import SessionViews

__all__ = ["MadeBounds", "Restart", "find_restarts", "made_bounds", "restarts_view"]

_LEAST_S = 2
"""Channels made by several threads within this time may be reported in another order than that of their numbers."""

# Asterisk's ids are the second of the creation and a number, which begins with 0 when Asterisk starts.
_MADE = """
WITH made AS (
    SELECT
        seq,
        TRY_CAST(regexp_extract(channel_id, '(\\d{10})\\.\\d+$', 1) AS BIGINT) AS made_s,
        TRY_CAST(regexp_extract(channel_id, '\\d{10}\\.(\\d+)$', 1) AS BIGINT) AS number
    FROM channel_events
    WHERE type IN ('ChannelCreated', 'StasisStart') AND regexp_matches(channel_id, '\\d{10}\\.\\d+$')
)
"""
_FALLS = f"""{_MADE}
SELECT seq
FROM made
QUALIFY number <= lag(number) OVER (ORDER BY seq) AND made_s >= lag(made_s) OVER (ORDER BY seq) + {_LEAST_S}
ORDER BY seq
"""
# A channel that goes on shows that its Asterisk was not restarted: the ids are an app's, or of several servers.
_RESTARTS = """
WITH channels AS (
    SELECT min(seq) AS first_seq, max(seq) AS last_seq
    FROM channel_events
    GROUP BY channel_id
)

SELECT
    falls.seq,
    (SELECT epoch_us(arg_max(received_at, seq)) FROM events WHERE events.seq < falls.seq),
    (SELECT epoch_us(received_at) FROM events WHERE events.seq = falls.seq)
FROM (SELECT unnest($falls) AS seq) AS falls
WHERE NOT EXISTS (FROM channels WHERE channels.first_seq < falls.seq AND channels.last_seq > falls.seq)
ORDER BY falls.seq
"""


_BOUNDS = f"""{_MADE}
SELECT
    arg_min(seq, seq), arg_min(made_s, seq), arg_min(number, seq), arg_max(made_s, seq), arg_max(number, seq),
    (SELECT epoch_us(arg_max(received_at, seq)) FROM events WHERE events.seq < (SELECT min(seq) FROM made)),
    (SELECT epoch_us(received_at) FROM events WHERE events.seq = (SELECT min(seq) FROM made)),
    (SELECT epoch_us(arg_max(received_at, seq)) FROM events)
FROM made
"""


class Restart(NamedTuple):
    """A restart before the row `seq`, between two times of receipt in microseconds."""

    seq: int
    begin_us: int
    end_us: int


class MadeBounds(NamedTuple):
    """The first and last channels made in a part of a recording, by the second and the number in their ids.

    before_us, at_us: times of receipt of the event before the first channel's creation and of that creation.
    last_us: that of the last event. None: no event has one.
    """

    first_seq: int | None
    first_s: int | None
    first_number: int | None
    last_s: int | None
    last_number: int | None
    before_us: int | None
    at_us: int | None
    last_us: int | None

    def restart_after(self, earlier: "MadeBounds", last_us: int | None) -> Restart | None:
        """Return the restart between an earlier part and this one: the ids' numbers fall.

        last_us: the time of receipt of the last event before this part.
        """
        if None in (self.first_s, self.first_number, earlier.last_s, earlier.last_number):
            return None
        is_fall = (self.first_number or 0) <= (earlier.last_number or 0)
        if not is_fall or (self.first_s or 0) < (earlier.last_s or 0) + _LEAST_S:
            return None
        return Restart(self.first_seq or 0, self.before_us or last_us or 0, self.at_us or 0)


def made_bounds(runner: StatementRunner, views: SessionViews) -> MadeBounds:
    """Return the first and last channels that a server's rows show being made."""
    (row,) = runner.rows(views.written_into(_BOUNDS))
    return MadeBounds(*row)


def find_restarts(runner: StatementRunner, views: SessionViews) -> Sequence[Restart]:
    """Return the restarts that the ids of a server's channels show: their numbers fall, and no channel goes on."""
    falls = [seq for (seq,) in runner.rows(views.written_into(_FALLS))]
    if not falls:
        return []
    return [Restart(*row) for row in runner.rows(views.written_into(_RESTARTS).replace("$falls", str(falls)))]


def restarts_view(restarts: Sequence[Restart]) -> str:
    """Return the statement that creates the view of restarts from which the staging model of gaps reads."""
    rows = ", ".join(f"({r.seq}, make_timestamp({r.begin_us}), make_timestamp({r.end_us}))" for r in restarts)
    values = rows or "(NULL::BIGINT, NULL::TIMESTAMP, NULL::TIMESTAMP)"
    where = "" if restarts else " WHERE false"
    return f"CREATE VIEW asterisk_restarts AS FROM (VALUES {values}) AS restarts (seq, begin_at, end_at){where}"
