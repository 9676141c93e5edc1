-- One row is one event about one channel, with the event's values for that channel. Identified by `seq`.
-- An empty text means "none" in ARI and is NULL here.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    received_at,
    type AS event_type,
    asterisk_id,
    channel_key(channel_id, seq) AS channel_id,
    channel_name,
    channel_state,
    snapshot_time(channel_creationtime, seq) AS channel_created_at,
    NULLIF(channel_caller_number, '') AS caller_number,
    NULLIF(channel_caller_name, '') AS caller_name,
    NULLIF(channel_connected_number, '') AS connected_number,
    NULLIF(channel_connected_name, '') AS connected_name,
    NULLIF(channel_dialplan_exten, '') AS exten,
    NULLIF(channel_dialplan_context, '') AS context,
    channel_dialplan_priority AS priority,
    channel_dialplan_app_name AS dialplan_app,
    channel_dialplan_app_data AS dialplan_app_data,
    NULLIF(channel_accountcode, '') AS accountcode,
    NULLIF(channel_protocol_id, '') AS protocol_id,
    channel_channelvars AS channelvars
FROM channel_events
