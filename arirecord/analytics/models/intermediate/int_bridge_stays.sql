-- One row is one stay of a channel in a bridge. Identified by `channel_id`, `bridge_id` and `entered_seq` (NULL where
-- the entry was not recorded). If the leaving is missing and no gap can hide it, the channel's end stands for it.
WITH steps AS (
    -- A frame that Asterisk sent twice is one step.
    SELECT channel_id, bridge_id, is_holding, is_entry, event_at, min(seq) AS seq
    FROM int_bridge_events
    GROUP BY ALL
),

neighbours AS (
    SELECT
        *,
        lag(is_entry) OVER steps_of_channel AND lag(bridge_id) OVER steps_of_channel = bridge_id AS is_after_entry,
        NOT lead(is_entry) OVER steps_of_channel AND lead(bridge_id) OVER steps_of_channel = bridge_id AS is_left_next,
        lead(event_at) OVER steps_of_channel AS next_at,
        lead(seq) OVER steps_of_channel AS next_seq
    FROM steps
    WINDOW steps_of_channel AS (PARTITION BY channel_id ORDER BY seq)
),

stays AS (
    SELECT
        channel_id, bridge_id, is_holding, event_at AS entered_at, seq AS entered_seq,
        CASE WHEN is_left_next THEN next_at END AS left_at,
        next_seq AS left_seq
    FROM neighbours
    WHERE is_entry
    UNION ALL
    SELECT channel_id, bridge_id, is_holding, NULL, NULL, event_at, seq
    FROM neighbours
    WHERE NOT is_entry AND is_after_entry IS NOT true
)

SELECT
    stays.* EXCLUDE (left_at, left_seq),
    CASE
        WHEN stays.left_seq IS NOT NULL THEN stays.left_at
        WHEN gaps.seq IS NULL OR gaps.seq < stays.entered_seq THEN lives.ended_at
    END AS left_at,
    COALESCE(stays.left_seq, lives.ended_seq) AS left_seq
FROM stays
LEFT JOIN int_channel_lives AS lives USING (channel_id)
ASOF LEFT JOIN int_gaps AS gaps ON lives.ended_seq >= gaps.seq
