-- One row is one beginning (`is_start`) or end of speech on a channel, by talk detection. Identified by `seq`.
-- `rate_hz`: Asterisk counts silence `rate_hz` / 8,000 times too fast, since talk detection expects the rate of the
-- channel's own codec. NULL if `channelvars` does not have both formats.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    type = 'ChannelTalkingStarted' AS is_start,
    duration AS duration_ms,
    8000 * sample_rate(channel_item(channel_channelvars, 'audioreadformat'))
        / native_rate(channel_item(channel_channelvars, 'audionativeformat')) AS rate_hz
FROM talking_events
WHERE channel_id IS NOT NULL
