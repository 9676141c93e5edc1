-- One row is one user event, counted once. Identified by `seq`.
SELECT
    min(events.seq) AS seq,
    events.timestamp AS sent_at,
    events.eventname,
    events.userevent,
    any_value(calls.call_id) AS call_id,
    events.channel_id,
    events.bridge_id,
    NULLIF(concat_ws('/', events.endpoint_technology, events.endpoint_resource), '') AS endpoint,
    list_sort(list(DISTINCT events.application)) AS applications
FROM ChannelUserevent AS events
LEFT JOIN int_call_channels AS calls USING (channel_id)
GROUP BY
    events.timestamp, events.asterisk_id, events.eventname, events.userevent, events.channel_id, events.bridge_id,
    events.endpoint_technology, events.endpoint_resource
