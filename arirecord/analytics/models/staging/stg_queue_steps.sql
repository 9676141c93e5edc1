-- One row is one moment at which a channel comes to the application Queue, goes on in the dialplan, or learns why it
-- left the queue (`status`, app_queue's QUEUESTATUS). Identified by `seq`.
SELECT
    seq,
    timestamp AS event_at,
    channel_id,
    CASE WHEN dialplan_app = 'Queue' THEN split_part(dialplan_app_data, ',', 1) END AS queue,
    NULL AS status
FROM ChannelDialplan
WHERE channel_id IS NOT NULL
UNION ALL
SELECT seq, timestamp, channel_id, NULL, "value"
FROM ChannelVarset
WHERE channel_id IS NOT NULL AND variable = 'QUEUESTATUS' AND "value" <> ''
