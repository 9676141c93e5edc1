-- One row is one call with conversations. Identified by `call_id`.
-- Each of the call's channels counts while it takes part in a conversation, even one with channels of another call.
-- Times that overlap count once. `talk_ms` is NULL if one has no known beginning or end.
WITH parts AS (
    SELECT
        calls.call_id,
        greatest(epoch_ms(stays.entered_at), epoch_ms(talks.started_at)) AS started_ms,
        -- A stay without an end goes on: the conversation's own times limit it.
        CASE
            WHEN stays.left_at IS NOT NULL OR stays.left_seq IS NULL
            THEN least(epoch_ms(stays.left_at), epoch_ms(talks.ended_at))
        END AS ended_ms
    FROM int_talk_stays AS stays
    JOIN int_call_channels AS calls USING (channel_id)
    JOIN int_conversations AS talks
        ON talks.bridge_id = stays.bridge_id
        AND COALESCE(talks.first_seq < stays.left_seq, true)
        AND COALESCE(stays.entered_seq < talks.last_seq, true)
),

ordered AS (
    SELECT
        *,
        max(ended_ms) OVER (
            PARTITION BY call_id ORDER BY started_ms, ended_ms
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_ms
    FROM parts
)

SELECT
    call_id,
    CASE
        WHEN bool_and(started_ms IS NOT NULL AND ended_ms IS NOT NULL)
        THEN sum(greatest(ended_ms - greatest(started_ms, COALESCE(covered_ms, started_ms)), 0))
    END AS talk_ms
FROM ordered
GROUP BY call_id
