-- One row is one request to hang a channel up. Identified by `seq`.
-- `is_soft` is true if Asterisk itself sends it (the other side has gone, the dialplan or an app ends the call) and
-- false if the channel's own far end does.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    channel_name,
    cause AS hangup_cause,
    tech_cause,
    COALESCE(soft, false) AS is_soft
FROM ChannelHangupRequest
WHERE channel_id IS NOT NULL
