-- One row is one channel that was in a conversation or heard speaking. Identified by `channel_id`.
-- `talk_s` is time in a bridge with another channel. `spoken_s` is time heard speaking: NULL without talk detection.
WITH talked AS (
    SELECT
        stays.channel_id,
        sum(
            epoch_ms(least(stays.left_at, talks.ended_at)) - epoch_ms(greatest(stays.entered_at, talks.started_at))
        ) AS talk_ms,
        bool_and(
            stays.left_at IS NOT NULL AND stays.entered_at IS NOT NULL
            AND talks.started_at IS NOT NULL AND talks.ended_at IS NOT NULL
        ) AS is_known
    FROM int_bridge_stays AS stays
    JOIN int_conversations AS talks
        ON talks.bridge_id = stays.bridge_id
        AND talks.first_seq < COALESCE(stays.left_seq, talks.first_seq + 1)
        AND COALESCE(stays.entered_seq, -1) < COALESCE(talks.last_seq, stays.entered_seq + 1, 0)
    GROUP BY stays.channel_id
),

spoken AS (
    SELECT
        channel_id,
        count(*) AS spoken_count,
        CASE WHEN bool_and(duration_ms IS NOT NULL) THEN sum(duration_ms) END AS spoken_ms,
        max(duration_ms) AS longest_ms
    FROM int_speech
    GROUP BY channel_id
)

SELECT
    channel_id,
    calls.call_id,
    CASE
        WHEN talked.channel_id IS NULL THEN 0
        WHEN talked.is_known THEN talked.talk_ms / 1000
    END AS talk_s,
    spoken.spoken_ms / 1000 AS spoken_s,
    spoken.longest_ms / 1000 AS longest_spoken_s,
    spoken.spoken_count
FROM talked
FULL JOIN spoken USING (channel_id)
LEFT JOIN int_call_channels AS calls USING (channel_id)
