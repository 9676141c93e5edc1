-- One row is one user event, with the applications that received it. Identified by `seq`.
SELECT
    min(seq) AS seq,
    event_at, asterisk_id, eventname, userevent, channel_id, bridge_id, endpoint,
    list_sort(list(DISTINCT application)) AS applications
FROM stg_user_events
GROUP BY event_at, asterisk_id, eventname, userevent, channel_id, bridge_id, endpoint
