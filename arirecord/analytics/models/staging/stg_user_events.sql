-- One row is one user event. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    application,
    asterisk_id,
    eventname,
    userevent,
    channel_key(channel_id, seq) AS channel_id,
    bridge_key(bridge_id, seq) AS bridge_id,
    NULLIF(concat_ws('/', endpoint_technology, endpoint_resource), '') AS endpoint
FROM ChannelUserevent
