-- One row is one interval of speech on a channel, as talk detection reports it. Identified by `channel_id` and `seq`,
-- that of its end, or of its beginning if no end was recorded.
-- `ChannelTalkingFinished` comes a silence threshold after the speech (`silence_ms`), which its duration excludes.
WITH steps AS (
    SELECT channel_id, is_start, event_at, duration_ms, rate_hz, min(seq) AS seq
    FROM stg_talking_events
    GROUP BY ALL
),

neighbours AS (
    SELECT
        *,
        CASE WHEN lag(is_start) OVER steps_of_channel THEN lag(seq) OVER steps_of_channel END AS start_seq,
        CASE WHEN start_seq IS NOT NULL THEN lag(event_at) OVER steps_of_channel END AS start_at,
        lead(is_start) OVER steps_of_channel AS is_start_next,
        lead(event_at) OVER steps_of_channel AS next_at
    FROM steps
    WINDOW steps_of_channel AS (PARTITION BY channel_id ORDER BY seq)
),

intervals AS (
    SELECT
        channel_id,
        seq,
        CASE WHEN is_start THEN seq ELSE start_seq END AS started_seq,
        CASE WHEN is_start THEN event_at ELSE start_at END AS started_at,
        CASE WHEN NOT is_start THEN event_at END AS finished_at,
        duration_ms,
        CASE WHEN NOT is_start THEN epoch_ms(event_at) - epoch_ms(start_at) - duration_ms END AS silence_ms,
        is_start AND is_start_next IS true AS is_restarted,
        rate_hz,
        next_at
    FROM neighbours
    WHERE NOT is_start OR is_start_next IS NOT false
)

SELECT
    intervals.*,
    COALESCE(gaps.seq > intervals.started_seq, false) AS has_gap,
    median(silence_ms) FILTER (NOT has_gap) OVER (PARTITION BY channel_id) AS usual_silence_ms
FROM intervals
ASOF LEFT JOIN int_gaps AS gaps ON intervals.seq >= gaps.seq
