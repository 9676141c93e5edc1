-- One row is one beginning (`is_start`) or end of speech on a channel, by talk detection. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    type = 'ChannelTalkingStarted' AS is_start,
    duration AS duration_ms
FROM talking_events
WHERE channel_id IS NOT NULL
