-- One row is one playback or recording that failed while its channel was there. Identified by `rule`, `call_id`,
-- `channel_id` and `seq`.
WITH failed_media AS (
    SELECT min(seq) AS seq, event_at, type, media_uri AS media, target_uri, channel_id, bridge_id
    FROM stg_playback_events
    WHERE state = 'failed'
    GROUP BY ALL
    UNION ALL
    SELECT min(seq), event_at, type, recording_name, target_uri, channel_id, bridge_id
    FROM stg_recording_events
    WHERE state = 'failed'
    GROUP BY ALL
),

media_of_channels AS (
    SELECT media.* REPLACE (stays.channel_id AS channel_id)
    FROM failed_media AS media
    JOIN int_bridge_stays AS stays
        ON stays.bridge_id = media.bridge_id
        AND COALESCE(stays.entered_seq < media.seq, true) AND COALESCE(stays.left_seq > media.seq, true)
    UNION ALL
    SELECT *
    FROM failed_media
    WHERE channel_id IS NOT NULL
),

-- A playback or recording that the channel's end cuts off has not failed.
endings AS (
    SELECT channel_id, min(seq) AS seq
    FROM (
        SELECT channel_id, seq FROM stg_hangup_requests
        UNION ALL
        SELECT channel_id, seq FROM stg_stasis_events WHERE NOT is_entry
    )
    GROUP BY channel_id
)

SELECT
    'media-failed' AS rule, 'warning' AS severity, format('{} failed ({})', media.media, media.type) AS finding,
    calls.call_id, CASE WHEN media.bridge_id IS NULL THEN any_value(media.channel_id) END AS channel_id,
    media.seq, media.event_at
FROM media_of_channels AS media
JOIN int_call_channels AS calls USING (channel_id)
LEFT JOIN endings ON endings.channel_id = media.channel_id
GROUP BY media.seq, media.event_at, media.type, media.media, media.target_uri, media.bridge_id, calls.call_id
HAVING count(endings.seq) FILTER (endings.seq < media.seq) = 0
