-- One row is one report of a channel's state. Identified by `channel_id` and `seq`.
SELECT channel_id, channel_state, event_at, min(seq) AS seq
FROM stg_channel_events
WHERE event_type IN ('ChannelCreated', 'ChannelStateChange')
GROUP BY channel_id, channel_state, event_at
