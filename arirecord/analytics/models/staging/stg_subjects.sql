-- One row is one channel or bridge that one event is about, by its plain id: requests name it so. Identified by `seq`
-- and `thing`.
WITH subjects AS (
    SELECT channel_id AS thing, seq, elapsed_ns, type, timestamp, received_at FROM channel_events
    UNION ALL
    SELECT bridge_id, seq, elapsed_ns, type, timestamp, received_at FROM bridge_events
    UNION ALL
    SELECT unnest([caller_id, peer_id]), seq, elapsed_ns, type, timestamp, received_at FROM Dial
    UNION ALL
    SELECT substr(playback_target_uri, strpos(playback_target_uri, ':') + 1), seq, elapsed_ns, type, timestamp,
        received_at
    FROM PlaybackFinished
    UNION ALL
    SELECT substr(recording_target_uri, strpos(recording_target_uri, ':') + 1), seq, elapsed_ns, type, timestamp,
        received_at
    FROM RecordingFinished
)

SELECT thing, seq, elapsed_ns, type AS event_type, event_time(timestamp, received_at, seq) AS event_at
FROM subjects
