-- One row is one call in which a channel was dialled. Identified by `call_id`.
-- The last failure counts: it is the one that the caller got. A forwarded attempt has not failed. If a Local channel was
-- dialled, the dials of its far end count less: Asterisk cancels them when it gives up the Local channel.
WITH attempts AS (
    SELECT
        attempts.*,
        COALESCE(attempts.ended_at, facts.ended_at) AS over_at,
        facts.is_complete,
        facts.tech_cause,
        COALESCE(facts.is_media, false) AS is_media,
        outer_dials.peer_channel_id IS NOT NULL AS is_inner,
        attempts.forward IS NULL AND attempts.dial_status <> 'ANSWER'
            AND (outer_dials.is_originated AND attempts.dial_status = 'CANCEL') IS NOT true AS is_failure
    FROM int_dial_attempts AS attempts
    LEFT JOIN int_channel_facts AS facts ON facts.channel_id = attempts.peer_channel_id
    LEFT JOIN int_local_halves AS halves ON halves.channel_id = attempts.caller_channel_id
    LEFT JOIN (
        SELECT peer_channel_id, bool_and(caller_channel_id IS NULL) AS is_originated
        FROM int_dial_attempts
        GROUP BY peer_channel_id
    ) AS outer_dials ON outer_dials.peer_channel_id = halves.other_id
)

SELECT
    calls.call_id,
    count(*) AS attempt_count,
    -- A completely recorded channel without a start picked the call up, or a feature made it. If it rang before every
    -- known start, by more than the clocks of two channels differ, an earlier start was lost.
    CASE
        WHEN
            bool_and(attempts.started_at IS NOT NULL OR attempts.is_complete)
            AND COALESCE(min(attempts.started_at) <= min(attempts.ringing_at) + INTERVAL 34 MILLISECONDS, true)
        THEN min(attempts.started_at)
    END AS dialled_at,
    -- A voice bot that talks before a person is reached does not answer for the person.
    least(
        min(attempts.up_at) FILTER (NOT attempts.is_media),
        min(attempts.ended_at) FILTER (attempts.dial_status = 'ANSWER' AND NOT attempts.is_media)
    ) AS answered_at,
    -- The earliest answer may be of an attempt whose ringing was lost.
    CASE WHEN COALESCE(min(attempts.ringing_at) <= answered_at, true) THEN min(attempts.ringing_at) END AS ringing_at,
    CASE WHEN bool_and(attempts.over_at IS NOT NULL) THEN max(attempts.over_at) END AS ended_at,
    arg_max(attempts.dial_status, (NOT attempts.is_inner, attempts.ended_seq)) FILTER (attempts.is_failure)
        AS dial_status,
    arg_max(attempts.tech_cause, (NOT attempts.is_inner, attempts.ended_seq)) FILTER (attempts.is_failure) AS tech_cause
FROM attempts
JOIN int_call_channels AS calls ON calls.channel_id = attempts.peer_channel_id
GROUP BY calls.call_id
