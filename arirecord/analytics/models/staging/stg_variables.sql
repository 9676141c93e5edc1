-- One row is one variable that was set, of a channel or a global one. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    asterisk_id,
    channel_key(channel_id, seq) AS channel_id,
    variable,
    value,
    channel_dialplan_app_name AS dialplan_app,
    channel_dialplan_app_data AS dialplan_app_data
FROM ChannelVarset
