-- One row is one pair of channels that a bridge event lists together. Identified by `seq` and `other_id`.
-- A channel in a conference room of the dialplan (`is_room`: ConfBridge made it) keeps its own call. Page makes such a
-- room, too, but is one call.
-- Holding bridges (parking, queues) link no channels. A long list is read only if it contains a channel without a
-- recorded entry. Otherwise one member is enough, since the others are linked already: a conference has as many links
-- as entries.
WITH rooms AS (
    SELECT bridge_id
    FROM int_bridge_events
    WHERE bridge_creator = 'ConfBridge'
    GROUP BY bridge_id
    HAVING NOT bool_or(channel_id IN (SELECT channel_id FROM int_dialplan_steps WHERE app = 'Page'))
),

long AS (
    SELECT
        *,
        id_count - lag(id_count) OVER (PARTITION BY bridge_id ORDER BY seq)
            IS NOT DISTINCT FROM (CASE WHEN is_entry THEN 1 ELSE -1 END) AS is_foreseen
    FROM int_bridge_events
    WHERE NOT is_holding
        AND bridge_id IN (SELECT bridge_id FROM int_bridge_events WHERE id_count > 16 AND NOT is_holding)
    QUALIFY id_count > 16
)

SELECT seq, channel_id, bridge_id IN (FROM rooms) AS is_room, unnest(some_ids) AS other_id
FROM int_bridge_events
WHERE id_count <= 16 AND NOT is_holding
UNION ALL
SELECT seq, channel_id, bridge_id IN (FROM rooms), unnest(list_filter(some_ids, lambda i: i <> channel_id)[:1])
FROM long
WHERE is_foreseen
UNION ALL
SELECT events.seq, events.channel_id, events.bridge_id IN (FROM rooms), unnest(events.bridge_channel_ids)
FROM stg_bridge_events AS events
JOIN (SELECT seq FROM long WHERE NOT is_foreseen) AS unforeseen ON unforeseen.seq = events.seq
