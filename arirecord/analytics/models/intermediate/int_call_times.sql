-- One row is one call with conversations, holds or waits in queues, with their sums. Identified by `call_id`.
-- Each of the call's channels counts while it takes part in a conversation, even one with channels of another call.
-- A call ends with its first channel, so what others do then does not count. Times that overlap count once.
-- A sum is NULL if a part has no known beginning or end. `people_ms` is the talk without media legs, of a call that has
-- some.
WITH parts AS (
    SELECT call_id, 'talk' AS kind, started_at, ended_at
    FROM int_talk_parts
    UNION ALL
    SELECT
        mine.call_id, 'people', greatest(mine.started_at, others.started_at), least(mine.ended_at, others.ended_at)
    FROM int_talk_parts AS mine
    JOIN int_talk_parts AS others
        ON others.bridge_id = mine.bridge_id AND others.channel_id <> mine.channel_id
        AND COALESCE(others.entered_seq < mine.left_seq, true) AND COALESCE(others.left_seq > mine.entered_seq, true)
    WHERE mine.role IS DISTINCT FROM 'media' AND others.role IS DISTINCT FROM 'media'
        AND mine.call_id IN (SELECT call_id FROM int_legs WHERE role = 'media')
    UNION ALL
    SELECT calls.call_id, pauses.kind, pauses.started_at, pauses.ended_at
    FROM (
        SELECT channel_id, 'hold' AS kind, started_at, ended_at FROM int_holds
        UNION ALL
        SELECT channel_id, 'wait', entered_at, left_at FROM int_queue_waits
        UNION ALL
        SELECT channel_id, 'wait', entered_at, left_at FROM int_bridge_waits
    ) AS pauses
    JOIN int_call_channels AS calls USING (channel_id)
),

limited AS (
    SELECT
        parts.call_id,
        parts.kind,
        epoch_ms(parts.started_at) AS started_ms,
        -- Clocks of channels differ by some milliseconds.
        CASE
            WHEN parts.ended_at > parties.gone_at + INTERVAL 100 MILLISECONDS THEN epoch_ms(parties.gone_at)
            ELSE epoch_ms(parts.ended_at)
        END AS ended_ms
    FROM parts
    LEFT JOIN int_call_parties AS parties USING (call_id)
),

ordered AS (
    SELECT
        *,
        max(ended_ms) OVER (
            PARTITION BY call_id, kind ORDER BY started_ms, ended_ms
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_ms
    FROM limited
),

summed AS (
    SELECT
        call_id,
        kind,
        CASE
            -- One that ends before it begins is of a clock that was set back.
            WHEN kind = 'people' OR bool_and(COALESCE(ended_ms > started_ms - 100, false))
            THEN sum(greatest(ended_ms - greatest(started_ms, COALESCE(covered_ms, started_ms)), 0))
        END AS length_ms
    FROM ordered
    GROUP BY call_id, kind
)

SELECT
    call_id,
    CASE WHEN bool_or(kind = 'talk') THEN sum(length_ms) FILTER (kind = 'talk') ELSE 0 END AS talk_ms,
    CASE WHEN bool_or(kind = 'people') THEN sum(length_ms) FILTER (kind = 'people') ELSE 0 END AS people_ms,
    CASE WHEN bool_or(kind = 'hold') THEN sum(length_ms) FILTER (kind = 'hold') ELSE 0 END AS hold_ms,
    CASE WHEN bool_or(kind = 'wait') THEN sum(length_ms) FILTER (kind = 'wait') ELSE 0 END AS wait_ms
FROM summed
GROUP BY call_id
