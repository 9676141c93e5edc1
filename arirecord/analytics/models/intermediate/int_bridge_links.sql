-- One row is one pair of channels that a bridge event lists together. Identified by `seq` and `other_id`.
-- Holding bridges (parking, queues) tie nobody. A long list is read only where it holds somebody whose entry was not
-- seen; else one member of it is enough, since the others are tied already: a conference has as many links as entries.
WITH listed AS (
    SELECT seq, is_entry, bridge_id, channel_id, bridge_channel_ids AS ids, len(bridge_channel_ids) AS id_count
    FROM stg_bridge_events
    WHERE NOT is_holding
),

long AS (
    SELECT
        *,
        id_count - lag(id_count) OVER (PARTITION BY bridge_id ORDER BY seq) AS change
    FROM listed
    WHERE id_count > 16
),

read AS (
    SELECT seq, channel_id, ids
    FROM listed
    WHERE id_count <= 16
    UNION ALL
    SELECT
        seq, channel_id,
        CASE
            WHEN change IS NOT DISTINCT FROM (CASE WHEN is_entry THEN 1 ELSE -1 END)
            THEN list_filter(ids[:2], lambda i: i <> channel_id)[:1]
            ELSE ids
        END
    FROM long
)

SELECT seq, channel_id, unnest(ids) AS other_id
FROM read
