-- One row is one channel that was held: the others in the holding channel's bridge when the hold began, or the channel
-- that an application put on hold. Identified by `channel_id`, `seq` and `held_channel_id`.
SELECT
    steps.channel_id,
    steps.seq,
    stays.bridge_id,
    others.channel_id AS held_channel_id,
    min(others.entered_seq) AS entered_seq,
    max(others.left_at) AS left_at,
    CASE WHEN bool_and(others.left_seq IS NOT NULL) THEN max(others.left_seq) END AS left_seq
FROM int_hold_steps AS steps
JOIN int_bridge_stays AS stays
    ON stays.channel_id = steps.channel_id AND NOT stays.is_holding
    AND COALESCE(stays.entered_seq < steps.seq, true) AND COALESCE(stays.left_seq > steps.seq, true)
JOIN int_bridge_stays AS others
    ON others.bridge_id = stays.bridge_id AND others.channel_id <> stays.channel_id
    AND COALESCE(others.entered_seq < steps.seq, true) AND COALESCE(others.left_seq > steps.seq, true)
WHERE NOT steps.is_by_app
GROUP BY ALL
UNION ALL BY NAME
SELECT channel_id, seq, channel_id AS held_channel_id
FROM int_hold_steps
WHERE is_by_app
