-- One row is one channel that was held: the others in the holding channel's bridge when the hold began, or the channel
-- that an application put on hold. Identified by `channel_id`, `seq` and `held_channel_id`. Asterisk's helpers are not
-- held, and media legs only without anybody else.
WITH met AS (
    SELECT
        steps.channel_id, steps.seq, stays.bridge_id, others.channel_id AS held_channel_id,
        others.entered_seq, others.left_at, others.left_seq,
        facts.is_media AND NOT bool_and(facts.is_media) OVER (PARTITION BY steps.channel_id, steps.seq) AS is_aside
    FROM int_hold_steps AS steps
    JOIN int_bridge_stays AS stays
        ON stays.channel_id = steps.channel_id AND NOT stays.is_holding
        AND COALESCE(stays.entered_seq < steps.seq, true) AND COALESCE(stays.left_seq > steps.seq, true)
    JOIN int_bridge_stays AS others
        ON others.bridge_id = stays.bridge_id AND others.channel_id <> stays.channel_id
        AND COALESCE(others.entered_seq < steps.seq, true) AND COALESCE(others.left_seq > steps.seq, true)
    JOIN int_channel_facts AS facts ON facts.channel_id = others.channel_id
    WHERE NOT steps.is_by_app AND NOT facts.is_helper
)

SELECT
    channel_id,
    seq,
    bridge_id,
    held_channel_id,
    min(entered_seq) AS entered_seq,
    max(left_at) AS left_at,
    CASE WHEN bool_and(left_seq IS NOT NULL) THEN max(left_seq) END AS left_seq
FROM met
WHERE NOT is_aside
GROUP BY ALL
UNION ALL BY NAME
SELECT channel_id, seq, channel_id AS held_channel_id
FROM int_hold_steps
WHERE is_by_app
