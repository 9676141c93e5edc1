-- One row is one call with a hold or a queue wait. Identified by `call_id`.
-- Times that overlap count once. A sum is NULL if a part has no known beginning or end.
WITH pauses AS (
    SELECT calls.call_id, 'hold' AS pause_kind, started_at, ended_at, seq
    FROM int_holds
    JOIN int_call_channels AS calls USING (channel_id)
    UNION ALL
    SELECT calls.call_id, 'wait', entered_at, left_at, seq
    FROM int_queue_waits
    JOIN int_call_channels AS calls USING (channel_id)
    UNION ALL
    SELECT calls.call_id, 'wait', entered_at, left_at, seq
    FROM int_bridge_waits
    JOIN int_call_channels AS calls USING (channel_id)
),

ordered AS (
    SELECT
        call_id,
        pause_kind,
        epoch_ms(started_at) AS started_ms,
        epoch_ms(ended_at) AS ended_ms,
        max(epoch_ms(ended_at)) OVER (
            PARTITION BY call_id, pause_kind ORDER BY started_at, seq
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_ms
    FROM pauses
),

summed AS (
    SELECT
        call_id,
        pause_kind,
        bool_and(started_ms IS NOT NULL AND ended_ms IS NOT NULL) AS is_known,
        sum(greatest(ended_ms - greatest(started_ms, COALESCE(covered_ms, started_ms)), 0)) AS pause_ms
    FROM ordered
    GROUP BY call_id, pause_kind
)

SELECT
    call_id,
    COALESCE(bool_and(is_known) FILTER (pause_kind = 'hold'), true) AS is_hold_known,
    COALESCE(bool_and(is_known) FILTER (pause_kind = 'wait'), true) AS is_wait_known,
    COALESCE(sum(pause_ms) FILTER (pause_kind = 'hold'), 0) AS hold_ms,
    COALESCE(sum(pause_ms) FILTER (pause_kind = 'wait'), 0) AS wait_ms
FROM summed
GROUP BY call_id
