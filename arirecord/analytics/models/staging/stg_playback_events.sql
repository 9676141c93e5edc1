-- One row is one event of a playback. Identified by `seq`. The target is a channel or a bridge.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    is_receipt_time(timestamp) AS is_receipt_time,
    type,
    playback_id,
    playback_media_uri AS media_uri,
    playback_target_uri AS target_uri,
    CASE WHEN playback_target_uri LIKE 'channel:%' THEN channel_key(substr(playback_target_uri, 9), seq) END
        AS channel_id,
    CASE WHEN playback_target_uri LIKE 'bridge:%' THEN bridge_key(substr(playback_target_uri, 8), seq) END AS bridge_id,
    playback_language AS language,
    playback_state AS state
FROM playback_events
