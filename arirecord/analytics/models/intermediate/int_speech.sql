-- One row is one interval of speech on a channel, as talk detection reports it. Identified by `channel_id` and `seq`,
-- that of its end, or of its beginning if no end was recorded.
-- `ChannelTalkingFinished` comes a silence threshold after the speech; its duration excludes that silence.
WITH steps AS (
    SELECT channel_id, is_start, event_at, duration_ms, min(seq) AS seq
    FROM stg_talking_events
    GROUP BY ALL
),

neighbours AS (
    SELECT
        *,
        CASE WHEN lag(is_start) OVER steps_of_channel THEN lag(event_at) OVER steps_of_channel END AS began_at,
        lead(is_start) OVER steps_of_channel AS is_start_next
    FROM steps
    WINDOW steps_of_channel AS (PARTITION BY channel_id ORDER BY seq)
)

SELECT
    channel_id,
    seq,
    CASE WHEN is_start THEN event_at ELSE began_at END AS started_at,
    duration_ms
FROM neighbours
WHERE NOT is_start OR is_start_next IS NOT false
