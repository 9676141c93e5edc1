-- One row is one request to hang a channel up. Identified by `seq`.
-- `is_soft` is true where Asterisk itself asks (the other side has gone, the dialplan or an app ends the call) and
-- false where the channel's own far end asks.
SELECT
    seq,
    timestamp AS event_at,
    channel_id,
    channel_name,
    cause AS hangup_cause,
    tech_cause,
    COALESCE(soft, false) AS is_soft
FROM ChannelHangupRequest
WHERE channel_id IS NOT NULL
