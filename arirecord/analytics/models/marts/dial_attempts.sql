-- One row is one attempt to reach a channel by dialling. Identified by `peer_channel_id` and `seq`.
-- `attempt` counts the attempts of one caller, from 1; it is NULL if earlier ones may be missing. An originated
-- channel has no caller.
SELECT
    calls.call_id,
    attempts.caller_channel_id,
    caller.channel_name AS caller_channel_name,
    attempts.peer_channel_id,
    peer.channel_name AS peer_channel_name,
    attempts.dialstring,
    CASE
        WHEN caller_lives.created_seq IS NOT NULL AND NOT EXISTS (
            FROM int_gaps AS gaps WHERE gaps.seq BETWEEN caller_lives.created_seq AND attempts.seq
        )
        THEN row_number() OVER (PARTITION BY attempts.caller_channel_id ORDER BY attempts.seq)
    END AS attempt,
    attempts.started_at,
    attempts.ringing_at,
    CASE WHEN attempts.dial_status = 'ANSWER' THEN attempts.ended_at END AS answered_at,
    attempts.ended_at,
    attempts.dial_status,
    seconds_between(attempts.started_at, attempts.ringing_at) AS pdd_s,
    seconds_between(attempts.ringing_at, COALESCE(attempts.up_at, attempts.ended_at)) AS ring_s,
    seconds_between(attempts.started_at, attempts.ended_at) AS duration_s,
    attempts.forward,
    attempts.forwarded_channel_id,
    attempts.caller_channel_id IS NULL AS is_originated,
    attempts.started_at IS NOT NULL AND attempts.dial_status IS NOT NULL AND NOT EXISTS (
        FROM int_gaps AS gaps WHERE gaps.seq BETWEEN attempts.seq AND attempts.ended_seq
    ) AS is_complete,
    attempts.seq
FROM int_dial_attempts AS attempts
LEFT JOIN int_call_channels AS calls ON calls.channel_id = attempts.peer_channel_id
LEFT JOIN int_channel_facts AS caller ON caller.channel_id = attempts.caller_channel_id
LEFT JOIN int_channel_lives AS caller_lives ON caller_lives.channel_id = attempts.caller_channel_id
LEFT JOIN int_channel_facts AS peer ON peer.channel_id = attempts.peer_channel_id
