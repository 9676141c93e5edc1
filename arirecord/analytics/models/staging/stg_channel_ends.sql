-- One row is one end of a channel, with its cause and the channel's last values. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(channel_id, seq) AS channel_id,
    channel_name,
    NULLIF(channel_caller_number, '') AS caller_number,
    NULLIF(channel_caller_name, '') AS caller_name,
    NULLIF(channel_connected_number, '') AS connected_number,
    NULLIF(channel_connected_name, '') AS connected_name,
    NULLIF(channel_dialplan_exten, '') AS exten,
    NULLIF(channel_accountcode, '') AS accountcode,
    NULLIF(channel_protocol_id, '') AS protocol_id,
    channel_channelvars AS channelvars,
    cause AS hangup_cause,
    NULLIF(cause_txt, '') AS hangup_cause_txt,
    tech_cause
FROM ChannelDestroyed
WHERE channel_id IS NOT NULL
