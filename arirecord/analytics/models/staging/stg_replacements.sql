-- One row is one `StasisStart` by which a channel takes the place of another. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    channel_key(replace_channel_id, seq) AS replace_channel_id
FROM StasisStart
WHERE replace_channel_id IS NOT NULL
