-- One row is one interval in which at least two answered channels shared a bridge. Identified by `bridge_id` and
-- `first_seq`. Holding bridges and Asterisk's helper channels do not count. Times that are not known are NULL.
SELECT
    arg_min(call_id, seq) AS call_id,
    bridge_id,
    conversation,
    arg_min(event_at, seq) FILTER (channel_count = 2 AND change = 1 AND is_certain) AS started_at,
    any_value(event_at) FILTER (channel_count = 1) AS ended_at,
    max(channel_count)::BIGINT AS channel_count,
    min(seq) AS first_seq,
    any_value(seq) FILTER (channel_count = 1) AS last_seq
FROM int_conversation_steps
WHERE channel_count >= 2 OR (channel_count = 1 AND change = -1)
GROUP BY bridge_id, conversation
HAVING conversation > 0
