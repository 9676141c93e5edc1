-- One row is one `StasisStart` by which a channel takes the place of another. Identified by `seq`.
SELECT
    seq,
    timestamp AS event_at,
    channel_id,
    replace_channel_id
FROM StasisStart
WHERE replace_channel_id IS NOT NULL
