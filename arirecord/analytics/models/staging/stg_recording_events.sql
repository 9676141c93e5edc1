-- One row is one event of a live recording. Identified by `seq`. The target is a channel or a bridge.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    is_receipt_time(timestamp) AS is_receipt_time,
    type,
    recording_name,
    recording_target_uri AS target_uri,
    CASE WHEN recording_target_uri LIKE 'channel:%' THEN channel_key(substr(recording_target_uri, 9), seq) END
        AS channel_id,
    CASE WHEN recording_target_uri LIKE 'bridge:%' THEN bridge_key(substr(recording_target_uri, 8), seq) END
        AS bridge_id,
    recording_format AS format,
    recording_state AS state,
    recording_cause AS cause,
    recording_duration AS recorded_s,
    recording_talking_duration AS talking_s,
    recording_silence_duration AS silent_s
FROM recording_events
