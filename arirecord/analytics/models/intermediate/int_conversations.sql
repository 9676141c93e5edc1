-- One row is one stretch of time in which at least two answered channels shared a bridge. Identified by `bridge_id` and
-- `first_seq`. Holding bridges and Asterisk's helper channels don't count. A time that is not known is NULL.
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
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (channel_count = 2 AND change = 1) OVER (
            PARTITION BY bridge_id ORDER BY seq, channel_id ROWS UNBOUNDED PRECEDING
        ) AS conversation
    FROM counted
)

SELECT
    any_value(call_id) AS call_id,
    bridge_id,
    arg_min(event_at, seq) FILTER (channel_count = 2 AND change = 1) AS started_at,
    any_value(event_at) FILTER (channel_count = 1) AS ended_at,
    max(channel_count)::BIGINT AS channel_count,
    min(seq) AS first_seq,
    any_value(seq) FILTER (channel_count = 1) AS last_seq
FROM numbered
WHERE channel_count >= 2 OR (channel_count = 1 AND change = -1)
GROUP BY bridge_id, conversation
HAVING conversation > 0
