-- One row is one call with conversations. Identified by `call_id`.
-- Each of the call's channels counts while it takes part in a conversation, even one with channels of another call.
-- A call ends with its first channel, so what others say then does not count. Times that overlap count once.
-- `talk_ms` is NULL if one has no known beginning or end.
WITH parts AS (
    SELECT
        parts.call_id,
        epoch_ms(parts.started_at) AS started_ms,
        -- Clocks of channels differ by some milliseconds.
        CASE
            WHEN parts.ended_at > parties.until_at + INTERVAL 100 MILLISECONDS THEN epoch_ms(parties.until_at)
            ELSE epoch_ms(parts.ended_at)
        END AS ended_ms
    FROM int_talk_parts AS parts
    LEFT JOIN int_call_parties AS parties USING (call_id)
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
