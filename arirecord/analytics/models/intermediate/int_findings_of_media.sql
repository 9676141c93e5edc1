-- One row is one playback or recording that failed while its channel was there. Identified by `rule`, `call_id`,
-- `channel_id` and `seq`.
WITH failed_media AS (
    SELECT min(seq) AS seq, timestamp, type, playback_media_uri AS media, playback_target_uri AS target_uri
    FROM playback_events
    WHERE playback_state = 'failed'
    GROUP BY ALL
    UNION ALL
    SELECT min(seq), timestamp, type, recording_name, recording_target_uri
    FROM recording_events
    WHERE recording_state = 'failed'
    GROUP BY ALL
),

media_of_channels AS (
    SELECT media.*, stays.channel_id
    FROM failed_media AS media
    JOIN int_bridge_stays AS stays
        ON media.target_uri = 'bridge:' || stays.bridge_id
        AND COALESCE(stays.entered_seq < media.seq, true) AND COALESCE(stays.left_seq > media.seq, true)
    UNION ALL
    SELECT *, substr(target_uri, 9)
    FROM failed_media
    WHERE target_uri LIKE 'channel:%'
),

-- A playback or recording that the channel's end cuts off has not failed.
endings AS (
    SELECT channel_id, min(seq) AS seq
    FROM (
        SELECT channel_id, seq FROM stg_hangup_requests
        UNION ALL
        SELECT channel_id, seq FROM StasisEnd
    )
    GROUP BY channel_id
)

SELECT
    'media-failed' AS rule, 'warning' AS severity, format('{} failed ({})', media.media, media.type) AS finding,
    calls.call_id, CASE WHEN media.target_uri LIKE 'channel:%' THEN any_value(media.channel_id) END AS channel_id,
    media.seq, media.timestamp AS event_at
FROM media_of_channels AS media
JOIN int_call_channels AS calls USING (channel_id)
LEFT JOIN endings ON endings.channel_id = media.channel_id
GROUP BY media.seq, media.timestamp, media.type, media.media, media.target_uri, calls.call_id
HAVING count(endings.seq) FILTER (endings.seq < media.seq) = 0
