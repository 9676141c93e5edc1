-- One row is one channel named by `Dial` events. Identified by `channel_id`.
SELECT
    channel_id,
    min(seq) AS first_seq,
    max(seq) AS last_seq,
    bool_or(channel_state = 'Up') AS is_answered,
    bool_or(is_caller) AS is_caller
FROM (
    SELECT seq, caller_channel_id AS channel_id, caller_state AS channel_state, true AS is_caller FROM int_dials
    UNION ALL
    SELECT seq, peer_channel_id, peer_state, false FROM int_dials
    UNION ALL
    SELECT seq, forwarded_channel_id, forwarded_state, false FROM int_dials
)
WHERE channel_id IS NOT NULL
GROUP BY channel_id
