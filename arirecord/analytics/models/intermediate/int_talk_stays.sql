-- One row is one stay of a party in a bridge in which it could talk. Identified by `channel_id`, `bridge_id` and
-- `left_seq`. It begins when the channel is both in the bridge and answered: apps bridge channels that still ring.
-- A transfer can give a channel the place of another: then its entry has no event, and the other ends without
-- leaving.
WITH replacements AS (
    SELECT stays.channel_id, stays.bridge_id, stays.left_seq, max(ended.ended_seq) AS entered_seq,
        max(ended.ended_at) AS entered_at
    FROM int_bridge_stays AS stays
    JOIN int_channel_lives AS lives ON lives.channel_id = stays.channel_id
    JOIN int_bridge_stays AS others ON others.bridge_id = stays.bridge_id AND others.channel_id <> stays.channel_id
    JOIN int_channel_lives AS ended
        ON ended.channel_id = others.channel_id AND ended.ended_seq = others.left_seq
        AND ended.ended_seq BETWEEN lives.created_seq AND stays.left_seq
    WHERE stays.entered_seq IS NULL
    GROUP BY stays.channel_id, stays.bridge_id, stays.left_seq
),

placed AS (
    SELECT
        stays.* EXCLUDE (entered_at, entered_seq),
        COALESCE(stays.entered_at, replacements.entered_at) AS entered_at,
        COALESCE(stays.entered_seq, replacements.entered_seq) AS entered_seq
    FROM int_bridge_stays AS stays
    LEFT JOIN replacements
        ON replacements.channel_id = stays.channel_id AND replacements.bridge_id = stays.bridge_id
        AND replacements.left_seq = stays.left_seq AND stays.entered_seq IS NULL
)

SELECT
    stays.channel_id,
    stays.bridge_id,
    CASE WHEN lives.answered_seq > stays.entered_seq THEN lives.answered_at ELSE stays.entered_at END AS entered_at,
    CASE WHEN stays.entered_seq IS NOT NULL THEN greatest(stays.entered_seq, lives.answered_seq) END AS entered_seq,
    stays.left_at,
    stays.left_seq
FROM placed AS stays
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_channel_lives AS lives USING (channel_id)
WHERE NOT stays.is_holding
    AND NOT facts.is_helper
    AND facts.is_answered
    AND COALESCE(lives.answered_seq < stays.left_seq, true)
