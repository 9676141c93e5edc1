-- One row is one call in which a channel was dialled. Identified by `call_id`.
-- The last failure counts: it is the one that the caller got. A forwarded dial has not failed.
SELECT
    calls.call_id,
    count(*) AS attempt_count,
    -- A completely recorded channel without a start picked the call up, or a feature made it. If it rang before every
    -- known start, by more than the clocks of two channels differ, an earlier start was lost.
    CASE
        WHEN
            bool_and(attempts.started_at IS NOT NULL OR facts.is_complete)
            AND COALESCE(min(attempts.started_at) <= min(attempts.ringing_at) + INTERVAL 34 MILLISECONDS, true)
        THEN min(attempts.started_at)
    END AS dialled_at,
    -- The earliest answer may be of an attempt whose ringing was lost.
    CASE
        WHEN COALESCE(min(attempts.ringing_at) <= min(attempts.ended_at) FILTER (attempts.dial_status = 'ANSWER'), true)
        THEN min(attempts.ringing_at)
    END AS ringing_at,
    min(attempts.ended_at) FILTER (attempts.dial_status = 'ANSWER') AS answered_at,
    CASE WHEN bool_and(attempts.ended_at IS NOT NULL) THEN max(attempts.ended_at) END AS ended_at,
    arg_max(attempts.dial_status, attempts.ended_seq) FILTER (is_failure) AS dial_status,
    arg_max(facts.tech_cause, attempts.ended_seq) FILTER (is_failure) AS tech_cause
FROM (
    SELECT *, forward IS NULL AND dial_status <> 'ANSWER' AS is_failure
    FROM int_dial_attempts
) AS attempts
JOIN int_call_channels AS calls ON calls.channel_id = attempts.peer_channel_id
LEFT JOIN int_channel_facts AS facts ON facts.channel_id = attempts.peer_channel_id
GROUP BY calls.call_id
