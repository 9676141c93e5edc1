-- One row is one channel named by `Dial` events. Identified by `channel_id`. `answered_number` is the number that it
-- reached: a carrier's channel has no number at first, and another one after its far end transferred the call.
-- `has_given_number`: Originate gave it the app's caller id, as its own number and as the connected one.
SELECT
    channel_id,
    min(seq) AS first_seq,
    max(seq) AS last_seq,
    bool_or(channel_state = 'Up') AS is_answered,
    arg_min(is_caller, seq) AS is_caller,
    arg_min(answered_number, seq) AS answered_number,
    bool_or(has_given_number) AS has_given_number
FROM (
    SELECT
        seq, caller_channel_id AS channel_id, caller_state AS channel_state, true AS is_caller,
        NULL::VARCHAR AS answered_number, NULL::BOOLEAN AS has_given_number
    FROM int_dials
    UNION ALL
    SELECT
        seq, peer_channel_id, peer_state, false, CASE WHEN dial_status = 'ANSWER' THEN peer_number END,
        peer_number = peer_connected_number
    FROM int_dials
    UNION ALL
    SELECT seq, forwarded_channel_id, forwarded_state, false, NULL, NULL FROM int_dials
)
WHERE channel_id IS NOT NULL
GROUP BY channel_id
