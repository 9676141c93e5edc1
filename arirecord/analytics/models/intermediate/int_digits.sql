-- One row is one DTMF digit received from a channel, counted once. Identified by `channel_id` and `seq`.
-- Asterisk reports a digit when it ends, with its length: it began `duration_ms` before.
SELECT
    channel_id,
    digit,
    duration_ms,
    timestamp - to_milliseconds(COALESCE(duration_ms, 0)) AS started_at,
    timestamp AS ended_at,
    min(seq) AS seq
FROM ChannelDtmfReceived
WHERE channel_id IS NOT NULL
GROUP BY ALL
