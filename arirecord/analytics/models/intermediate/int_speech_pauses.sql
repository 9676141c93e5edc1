-- One row is one event after which a channel may send no audio: it put the other side on hold, or an application muted
-- it. Identified by `channel_id` and `seq`.
SELECT channel_id, seq
FROM stg_hold_events
WHERE is_hold
UNION ALL
SELECT channel_id, seq
FROM int_channel_requests
WHERE operation = 'mute' AND NOT is_end
