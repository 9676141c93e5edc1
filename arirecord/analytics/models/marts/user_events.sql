-- One row is one user event, counted once. Identified by `seq`.
SELECT
    min(events.seq) AS seq,
    events.event_at AS sent_at,
    events.eventname,
    events.userevent,
    any_value(calls.call_id) AS call_id,
    events.channel_id,
    events.bridge_id,
    events.endpoint,
    list_sort(list(DISTINCT events.application)) AS applications
FROM stg_user_events AS events
LEFT JOIN int_call_channels AS calls USING (channel_id)
GROUP BY
    events.event_at, events.asterisk_id, events.eventname, events.userevent, events.channel_id, events.bridge_id,
    events.endpoint
