-- One row is one entry of a channel into a Stasis application (`is_entry`), or its leaving. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    true AS is_entry,
    application,
    args,
    channel_key(replace_channel_id, seq) AS replace_channel_id
FROM StasisStart
WHERE channel_id IS NOT NULL
UNION ALL
SELECT
    seq, event_time(timestamp, received_at, seq), channel_key(channel_id, seq), false, application, NULL, NULL
FROM StasisEnd
WHERE channel_id IS NOT NULL
