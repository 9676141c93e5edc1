-- One row is one call in which somebody talked. Identified by `call_id`.
-- Conversations that overlap count once; `talk_ms` is NULL where one has no known beginning or end.
WITH ordered AS (
    SELECT
        call_id,
        epoch_ms(started_at) AS started_ms,
        epoch_ms(ended_at) AS ended_ms,
        max(epoch_ms(ended_at)) OVER (
            PARTITION BY call_id ORDER BY started_at, first_seq
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_ms
    FROM int_conversations
)

SELECT
    call_id,
    CASE
        WHEN bool_and(started_ms IS NOT NULL AND ended_ms IS NOT NULL)
        THEN sum(greatest(ended_ms - greatest(started_ms, COALESCE(covered_ms, started_ms)), 0))
    END AS talk_ms
FROM ordered
GROUP BY call_id
