-- One row is one step of a live recording: begun, ended or failed. Identified by `seq`. A frame that Asterisk sent twice
-- is one step.
SELECT
    recording_name, type, event_at, target_uri, channel_id, bridge_id,
    any_value(format) AS format,
    any_value(state) AS state,
    any_value(cause) AS cause,
    any_value(recorded_s) AS recorded_s,
    any_value(talking_s) AS talking_s,
    any_value(silent_s) AS silent_s,
    bool_or(is_receipt_time) AS is_receipt_time,
    min(seq) AS seq
FROM stg_recording_events
WHERE recording_name IS NOT NULL
GROUP BY recording_name, type, event_at, target_uri, channel_id, bridge_id, CASE WHEN event_at IS NULL THEN seq END
