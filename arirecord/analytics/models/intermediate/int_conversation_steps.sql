-- One row is one channel that enters or leaves a bridge in which it can talk, with the number of members then and the
-- number of the conversation in the bridge (0: none yet). Identified by `bridge_id`, `channel_id`, `seq` and `change`.
-- `seq` is -1 for a channel that entered before the recording.
WITH steps AS (
    SELECT bridge_id, channel_id, -1 AS seq, NULL AS event_at, 1 AS change
    FROM int_talk_stays
    WHERE entered_seq IS NULL
    UNION ALL
    SELECT bridge_id, channel_id, entered_seq, entered_at, 1
    FROM int_talk_stays
    WHERE entered_seq IS NOT NULL
    UNION ALL
    SELECT bridge_id, channel_id, left_seq, left_at, -1
    FROM int_talk_stays
    WHERE left_seq IS NOT NULL
),

counted AS (
    SELECT
        steps.*,
        calls.call_id,
        sum(change) OVER (
            PARTITION BY bridge_id ORDER BY seq, steps.channel_id ROWS UNBOUNDED PRECEDING
        ) AS channel_count
    FROM steps
    JOIN int_call_channels AS calls ON calls.channel_id = steps.channel_id
)

SELECT
    *,
    count(*) FILTER (channel_count = 2 AND change = 1) OVER (
        PARTITION BY bridge_id ORDER BY seq, channel_id ROWS UNBOUNDED PRECEDING
    ) AS conversation
FROM counted
