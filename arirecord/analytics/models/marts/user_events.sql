-- One row is one user event, counted once. Identified by `seq`.
SELECT
    events.seq,
    events.event_at AS sent_at,
    events.eventname,
    events.userevent,
    calls.call_id,
    events.channel_id,
    events.bridge_id,
    events.endpoint,
    events.applications
FROM int_user_events AS events
LEFT JOIN int_call_channels AS calls USING (channel_id)
