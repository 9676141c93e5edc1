-- One row is one call with a media leg: the time in which other parties than media legs talked. Identified by `call_id`
-- and `server`. As in `int_call_talk`, times that overlap count once, and a call ends with its first channel.
WITH meetings AS (
    SELECT
        mine.call_id,
        epoch_ms(greatest(mine.started_at, others.started_at)) AS started_ms,
        epoch_ms(least(mine.ended_at, others.ended_at)) AS met_until_ms,
        epoch_ms(parties.until_at) AS call_until_ms,
        CASE WHEN met_until_ms > call_until_ms + 100 THEN call_until_ms ELSE met_until_ms END AS ended_ms
    FROM int_talk_parts AS mine
    JOIN int_talk_parts AS others
        ON others.bridge_id = mine.bridge_id AND others.channel_id <> mine.channel_id
        AND COALESCE(others.entered_seq < mine.left_seq, true) AND COALESCE(others.left_seq > mine.entered_seq, true)
    LEFT JOIN int_call_parties AS parties ON parties.call_id = mine.call_id
    WHERE mine.role IS DISTINCT FROM 'media' AND others.role IS DISTINCT FROM 'media'
),

ordered AS (
    SELECT
        *,
        max(ended_ms) OVER (
            PARTITION BY call_id ORDER BY started_ms, ended_ms
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_ms
    FROM meetings
),

talked AS (
    SELECT
        call_id,
        sum(greatest(ended_ms - greatest(started_ms, COALESCE(covered_ms, started_ms)), 0)) AS talk_ms
    FROM ordered
    GROUP BY call_id
)

SELECT DISTINCT legs.call_id, this_server() AS server, COALESCE(talked.talk_ms, 0) AS talk_ms
FROM int_legs AS legs
LEFT JOIN talked USING (call_id)
WHERE legs.role = 'media'
