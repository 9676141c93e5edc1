-- One row is one interval of `int_call_speech`, with what may be wrong about it. Identified by `seq` and `source_id`.
-- A leg that sends no audio in its pauses has one open interval from its first word over the turns of others: an
-- interval that contains all that another party said before and after pauses of a second is such a one. A Snoop and a
-- playback have no such intervals.
WITH runs AS (
    SELECT
        *,
        count(*) FILTER (is_first) OVER (PARTITION BY call_id, party ORDER BY from_ms, seq ROWS UNBOUNDED PRECEDING)
            AS run
    FROM (
        SELECT
            *,
            COALESCE(channel_id, bridge_id) || '/' || (source = 'PlaybackStarted') AS party,
            COALESCE(from_ms - max(until_ms) OVER earlier > 1000, true) AS is_first
        FROM int_call_speech
        WINDOW earlier AS (
            PARTITION BY call_id, COALESCE(channel_id, bridge_id), source = 'PlaybackStarted' ORDER BY from_ms, seq
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
),

whole AS (
    SELECT call_id, party, run, min(from_ms) AS from_ms, max(until_ms) AS until_ms
    FROM runs
    GROUP BY ALL
),

open_intervals AS (
    SELECT DISTINCT runs.source_id, runs.seq
    FROM runs
    JOIN whole
        ON whole.call_id = runs.call_id AND whole.party <> runs.party
        AND whole.from_ms > runs.from_ms AND whole.until_ms < runs.until_ms
    WHERE runs.source = 'TALK_DETECT'
)

SELECT
    speech.* REPLACE (
        CASE WHEN doubted.seq IS NULL THEN speech.to_ms END AS to_ms,
        CASE WHEN doubted.seq IS NULL THEN speech.unknown_reason ELSE 'no silence' END AS unknown_reason
    )
FROM int_call_speech AS speech
LEFT JOIN open_intervals AS doubted ON doubted.source_id = speech.source_id AND doubted.seq = speech.seq
