-- One row is one stretch of time in which at least two answered channels shared a bridge. Identified by `bridge_id` and
-- `first_seq` (NULL: it began before the recording). Holding bridges and Asterisk's helper channels don't count. What
-- is not known is NULL.
SELECT
    call_id,
    bridge_id,
    started_at,
    ended_at,
    (epoch_ms(ended_at) - epoch_ms(started_at)) / 1000 AS duration_s,
    channel_count,
    NULLIF(first_seq, -1) AS first_seq,
    last_seq
FROM int_conversations
