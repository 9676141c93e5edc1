"""Identity of channels and bridges: an id is one thing only from its creation to its end.

Apps give ids again, and so can an Asterisk that was restarted. The second life of `agent-1` has the key `agent-1` and
its number, so that all models join by one column. A recording in which no id lives twice has its ids as keys, at no
cost.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from .statement_runner import StatementRunner
from .views import SessionViews, name, text

__all__ = ["Life", "find_lives", "key_macros", "plain_columns"]

_LIVES = "id_lives"
_SEPARATOR = "chr(31)"
_PLAIN = f"regexp_replace({{}}, {_SEPARATOR} || '\\d+$', '')"

# A masquerade gives a channel another creation time, but not another name. A channel that an app's socket no longer
# sees has left its application.
_SIGHTINGS = {
    "channel": """
    SELECT
        'channel' AS kind, channel_id AS id, seq, channel_name AS thing_name, timestamp AS event_at,
        COALESCE(channel_creationtime, CASE WHEN type = 'ChannelCreated' THEN timestamp END) AS made_at,
        type = 'ChannelCreated' AS is_creation, type IN ('ChannelDestroyed', 'StasisEnd') AS is_end
    FROM channel_events
    UNION ALL
    SELECT
        'channel', unnest([caller_id, peer_id, forwarded_id]), seq, unnest([caller_name, peer_name, forwarded_name]),
        timestamp, unnest([caller_creationtime, peer_creationtime, forwarded_creationtime]), false, false
    FROM Dial
    """,
    "bridge": """
    SELECT
        'bridge' AS kind, bridge_id AS id, seq, NULL AS thing_name, timestamp AS event_at,
        COALESCE(bridge_creationtime, timestamp) AS made_at, true AS is_creation, false AS is_end
    FROM BridgeCreated
    UNION ALL
    SELECT 'bridge', bridge_id, seq, NULL, NULL, bridge_creationtime, true, false
    FROM bridge_events
    """,
}
_KINDS_WITH_LIVES = """
WITH sightings AS (
    SELECT
        'channel' AS kind, channel_id AS id,
        COALESCE(channel_creationtime, CASE WHEN type = 'ChannelCreated' THEN timestamp END) AS made_at
    FROM channel_events
    UNION ALL
    SELECT
        'channel', unnest([caller_id, peer_id, forwarded_id]),
        unnest([caller_creationtime, peer_creationtime, forwarded_creationtime])
    FROM Dial
    UNION ALL
    SELECT 'bridge', bridge_id, COALESCE(bridge_creationtime, timestamp) FROM BridgeCreated
    UNION ALL
    SELECT 'bridge', bridge_id, bridge_creationtime FROM bridge_events
)

SELECT DISTINCT kind
FROM (SELECT kind, id FROM sightings WHERE {is_among} GROUP BY kind, id HAVING min(made_at) <> max(made_at))
WHERE id IS NOT NULL
"""
"""The kinds of things of which one id was created twice: most recordings have none, so this scan is narrow."""
_FIND_LIVES = """
WITH sightings AS (FROM ({sightings}) WHERE {is_among}),

ids_of_several AS (
    SELECT id FROM sightings WHERE id IS NOT NULL GROUP BY id HAVING min(made_at) <> max(made_at)
),

neighbours AS (
    SELECT
        *,
        lag(made_at IGNORE NULLS) OVER sightings_of_id AS last_made_at,
        lag(thing_name IGNORE NULLS) OVER sightings_of_id AS last_name,
        max(event_at) OVER earlier AS seen_until,
        bool_or(is_end) OVER earlier AS has_ended
    FROM sightings
    WHERE id IN (FROM ids_of_several)
    WINDOW
        sightings_of_id AS (PARTITION BY id ORDER BY seq),
        earlier AS (PARTITION BY id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),

begins AS (
    SELECT *
    FROM neighbours
    WHERE made_at <> last_made_at
        AND (is_creation OR (made_at >= seen_until AND (has_ended OR thing_name <> last_name)))
)

SELECT
    kind, id, id || chr(31) || (1 + row_number() OVER (PARTITION BY id ORDER BY seq)) AS key, seq AS begin_seq
FROM begins
"""


class Life(NamedTuple):
    """A life of an id after its first: it begins with the row `begin_seq`. `kind` is channel or bridge."""

    kind: str
    id: str
    key: str
    begin_seq: int


def find_lives(
    runner: StatementRunner, views: SessionViews, kinds_wanted: Collection[str] = ("channel", "bridge"), among: str = ""
) -> Sequence[Life]:
    """Return the lives after the first that the views of a server show, of these kinds.

    among: SQL for the ids that are looked at; empty: all.
    """

    def rows(sql: str) -> list[Any]:
        return runner.rows(views.written_into(sql).replace("{is_among}", f"id IN ({among})" if among else "true"))

    kinds = {kind for (kind,) in rows(_KINDS_WITH_LIVES)} & {*kinds_wanted}
    queries = (_FIND_LIVES.replace("{sightings}", _SIGHTINGS[kind]) for kind in sorted(kinds))
    return [Life(*row) for sql in queries for row in rows(sql)]


def key_macros(lives: Sequence[Life]) -> Iterator[str]:
    """Return the statements by which staging models make keys of ids, and queries ids of keys."""
    if lives:
        rows = ", ".join(f"({text(life.kind)}, {text(life.id)}, {text(life.key)}, {life.begin_seq})" for life in lives)
        yield f"CREATE TABLE {_LIVES} AS FROM (VALUES {rows}) AS lives (kind, id, key, begin_seq)"
    for kind in ("channel", "bridge"):
        key = "thing_id"
        if lives:
            key = f"""COALESCE((
                SELECT arg_max(lives.key, lives.begin_seq) FROM {_LIVES} AS lives
                WHERE lives.kind = '{kind}' AND lives.id = thing_id AND lives.begin_seq <= at_seq
            ), thing_id)"""
        yield f"CREATE MACRO {kind}_key(thing_id, at_seq) AS {key}"
    keys = "(SELECT list(channel_key(one_id, at_seq)) FROM (SELECT unnest(thing_ids) AS one_id))"
    yield f"CREATE MACRO channel_keys(thing_ids, at_seq) AS {keys if lives else 'thing_ids'}"
    yield f"CREATE MACRO plain_id(thing_key) AS {_PLAIN.format('thing_key') if lives else 'thing_key'}"


def plain_columns(columns: Collection[str]) -> str:
    """Return the SQL of columns with plain ids instead of keys. A call keeps the number of its life: `agent-1#2`."""
    shown = []
    for column in columns:
        quoted = name(column)
        if column == "call_id":
            shown.append(f"replace({quoted}, {_SEPARATOR}, '#') AS {quoted}")
        elif column.endswith(("channel_id", "bridge_id", "other_id", "about_id")):
            shown.append(f"{_PLAIN.format(quoted)} AS {quoted}")
        elif column.endswith("channel_ids"):
            shown.append(f"list_transform({quoted}, lambda i: {_PLAIN.format('i')}) AS {quoted}")
        else:
            shown.append(quoted)
    return ", ".join(shown)
