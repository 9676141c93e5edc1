-- One row is one live recording of a channel or a bridge. Identified by `first_seq`, since names can repeat.
WITH neighbours AS (
    SELECT
        *,
        type = 'RecordingStarted' AS is_start,
        CASE WHEN lag(type) OVER steps_of_name = 'RecordingStarted' THEN lag(seq) OVER steps_of_name END AS start_seq,
        CASE WHEN lag(type) OVER steps_of_name = 'RecordingStarted' THEN lag(event_at) OVER steps_of_name END AS start_at,
        lead(type) OVER steps_of_name IS DISTINCT FROM 'RecordingFinished'
            AND lead(type) OVER steps_of_name IS DISTINCT FROM 'RecordingFailed' AS is_without_end
    FROM int_recording_steps
    WINDOW steps_of_name AS (PARTITION BY recording_name, target_uri, channel_id, bridge_id ORDER BY seq)
),

recorded AS (
    SELECT
        * EXCLUDE (event_at, state, is_start, start_seq, start_at),
        CASE WHEN is_start THEN event_at ELSE start_at END AS started_at,
        CASE WHEN NOT is_start THEN event_at END AS ended_at,
        CASE WHEN NOT is_start THEN state END AS state,
        COALESCE(start_seq, seq) AS first_seq
    FROM neighbours
    WHERE NOT is_start OR is_without_end
)

SELECT
    recorded.recording_name,
    COALESCE(calls.call_id, bridges.call_id) AS call_id,
    recorded.channel_id,
    recorded.bridge_id,
    recorded.target_uri,
    recorded.format,
    recorded.started_at,
    recorded.ended_at,
    seconds_between(recorded.started_at, recorded.ended_at) AS duration_s,
    CASE WHEN recorded.recorded_s >= 0 THEN recorded.recorded_s::DOUBLE END AS recorded_s,
    CASE WHEN recorded.talking_s >= 0 THEN recorded.talking_s::DOUBLE END AS talking_s,
    CASE WHEN recorded.silent_s >= 0 THEN recorded.silent_s::DOUBLE END AS silent_s,
    recorded.state,
    recorded.cause,
    recorded.is_receipt_time,
    recorded.started_at IS NOT NULL AND recorded.ended_at IS NOT NULL
        AND (gaps.seq IS NULL OR gaps.seq < recorded.first_seq) AS is_complete,
    recorded.first_seq,
    recorded.seq AS last_seq
FROM recorded
LEFT JOIN int_call_channels AS calls ON calls.channel_id = recorded.channel_id
ASOF LEFT JOIN int_bridge_calls AS bridges
    ON bridges.bridge_id = recorded.bridge_id AND bridges.seq <= recorded.first_seq
ASOF LEFT JOIN int_gaps AS gaps ON recorded.seq >= gaps.seq
