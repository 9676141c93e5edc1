-- One row is one stay of a party in a bridge in which it could talk. Identified by `channel_id`, `bridge_id` and
-- `left_seq`. It begins when the channel is both in the bridge and answered: apps bridge channels that still ring.
SELECT
    stays.channel_id,
    stays.bridge_id,
    CASE WHEN lives.answered_seq > stays.entered_seq THEN lives.answered_at ELSE stays.entered_at END AS entered_at,
    CASE WHEN stays.entered_seq IS NOT NULL THEN greatest(stays.entered_seq, lives.answered_seq) END AS entered_seq,
    stays.left_at,
    stays.left_seq
FROM int_bridge_stays AS stays
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_channel_lives AS lives USING (channel_id)
WHERE NOT stays.is_holding
    AND NOT facts.is_helper
    AND facts.is_answered
    AND COALESCE(lives.answered_seq < stays.left_seq, true)
