-- One row is one DTMF digit that Asterisk received from a channel. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    digit,
    duration_ms
FROM ChannelDtmfReceived
WHERE channel_id IS NOT NULL
