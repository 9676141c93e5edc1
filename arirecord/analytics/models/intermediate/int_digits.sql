-- One row is one DTMF digit received from a channel, counted once. Identified by `channel_id` and `seq`.
-- Asterisk reports a digit when it ends, with its length: it began `duration_ms` before.
SELECT
    channel_id,
    digit,
    duration_ms,
    event_at - to_milliseconds(COALESCE(duration_ms, 0)) AS started_at,
    event_at AS ended_at,
    min(seq) AS seq
FROM stg_digits
GROUP BY ALL
