-- One row is one channel that enters or leaves a bridge in which it can talk, with the number of members then and the
-- number of the conversation in the bridge (0: none yet). Identified by `bridge_id`, `channel_id`, `seq` and `change`.
-- `seq` is -1 for a channel of which no entry was recorded. `is_certain` is false if a channel that is counted may not
-- have been there.
WITH steps AS (
    SELECT
        bridge_id, channel_id, COALESCE(entered_seq, -1) AS seq, certain_seq,
        CASE WHEN entered_seq IS NOT NULL THEN entered_at END AS event_at, 1 AS change
    FROM int_talk_stays
    UNION ALL
    SELECT bridge_id, channel_id, left_seq, NULL, left_at, -1
    FROM int_talk_stays
    WHERE left_seq IS NOT NULL
),

counted AS (
    SELECT
        steps.*,
        calls.call_id,
        sum(change) OVER steps_of_bridge AS channel_count,
        COALESCE(max(certain_seq) OVER steps_of_bridge <= seq, true) AS is_certain
    FROM steps
    JOIN int_call_channels AS calls ON calls.channel_id = steps.channel_id
    WINDOW steps_of_bridge AS (PARTITION BY bridge_id ORDER BY seq, steps.channel_id ROWS UNBOUNDED PRECEDING)
)

SELECT
    * EXCLUDE (certain_seq),
    count(*) FILTER (channel_count = 2 AND change = 1) OVER (
        PARTITION BY bridge_id ORDER BY seq, channel_id ROWS UNBOUNDED PRECEDING
    ) AS conversation
FROM counted
