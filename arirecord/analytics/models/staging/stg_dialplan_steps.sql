-- One row is one step of a channel in the dialplan. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    dialplan_app,
    dialplan_app_data
FROM ChannelDialplan
WHERE channel_id IS NOT NULL
