-- One row is one turn, in a call whose app posted or traced its stages: how much of the silence since the caller's speech
-- they cover, each sort and all together, without counting time twice. Identified by `turn_seq`.
WITH silences AS (
    SELECT listed.turn_seq, listed.call_id, starts.other_until_at AS begin_at, listed.started_at AS end_at
    FROM turn_list AS listed
    JOIN turn_starts AS starts USING (turn_seq)
    WHERE NOT listed.is_caller AND starts.other_end_doubt IS NULL AND starts.other_until_at < listed.started_at
),

covered AS (
    SELECT
        silences.turn_seq, unnest([stages.stage, 'any']) AS stage,
        greatest(stages.started_at, silences.begin_at) AS begin_at,
        least(stages.ended_at, silences.end_at) AS end_at
    FROM silences
    JOIN int_agent_stages AS stages
        ON stages.call_id = silences.call_id
        AND stages.started_at < silences.end_at AND stages.ended_at > silences.begin_at
),

counted AS (
    SELECT
        *,
        greatest(begin_at, max(end_at) OVER (
            PARTITION BY turn_seq, stage ORDER BY begin_at, end_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )) AS new_from_at
    FROM covered
),

summed AS (
    SELECT turn_seq, stage, sum(greatest(epoch_ms(end_at) - epoch_ms(new_from_at), 0)) AS covered_ms
    FROM counted
    GROUP BY turn_seq, stage
)

SELECT
    silences.turn_seq,
    any_value(covered_ms) FILTER (stage = 'stt') AS stt_ms,
    any_value(covered_ms) FILTER (stage = 'llm') AS llm_ms,
    any_value(covered_ms) FILTER (stage = 'tts') AS tts_ms,
    COALESCE(any_value(covered_ms) FILTER (stage = 'any'), 0) AS explained_ms
FROM silences
LEFT JOIN summed USING (turn_seq)
WHERE call_id IN (SELECT call_id FROM int_agent_stages)
GROUP BY silences.turn_seq
