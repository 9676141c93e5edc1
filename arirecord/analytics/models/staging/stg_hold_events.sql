-- One row is one time that a channel put the other side on hold (`is_hold`), or took it back. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    type = 'ChannelHold' AS is_hold,
    NULLIF(musicclass, '') AS musicclass
FROM hold_events
WHERE channel_id IS NOT NULL
