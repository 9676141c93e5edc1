-- One row is one trunk between two recorded calls: a leg that one server called is the leg of a caller on another server.
-- Identified by `from_server`, `from_channel_id`, `to_server`, `to_channel_id` and `protocol_id`, the SIP Call-ID by
-- which the two legs are one. Rows with the same `origin_server` and `origin_call_id` are one call from end to end,
-- `hop` is 1 for the first trunk. Times without a prefix are those of the calling side, by its clock.
WITH RECURSIVE trunks AS MATERIALIZED (
    SELECT
        called.protocol_id, called.server AS from_server, called.call_id AS from_call_id,
        called.channel_id AS from_channel_id, called.first_seq AS from_first_seq,
        caller.server AS to_server, caller.call_id AS to_call_id,
        caller.channel_id AS to_channel_id, caller.first_seq AS to_first_seq,
        epoch_ms(caller.started_at) - epoch_ms(called.started_at) AS most_ms,
        epoch_ms(caller.answered_at) - epoch_ms(called.answered_at) AS least_ms
    FROM legs AS called
    JOIN legs AS caller ON called.protocol_id = caller.protocol_id
    WHERE called.role = 'called' AND caller.role = 'caller'
),

-- A call may come by several trunks, of which the shortest way counts. The limit ends a walk in a circle, which calls
-- make that a transfer has joined.
walks AS (
    SELECT trunks.*, from_server AS origin_server, from_call_id AS origin_call_id, 1 AS hop
    FROM trunks
    WHERE NOT EXISTS (
        FROM trunks AS before
        WHERE before.to_call_id = trunks.from_call_id AND before.to_server IS NOT DISTINCT FROM trunks.from_server
    )
    UNION ALL
    SELECT trunks.*, walks.origin_server, walks.origin_call_id, walks.hop + 1
    FROM walks
    JOIN trunks
        ON trunks.from_call_id = walks.to_call_id AND trunks.from_server IS NOT DISTINCT FROM walks.to_server
    WHERE walks.hop < 20
),

hops AS (
    SELECT DISTINCT ON (from_server, from_channel_id, from_first_seq, to_server, to_channel_id, to_first_seq) *
    FROM (FROM walks UNION ALL SELECT trunks.*, from_server, from_call_id, 1000 FROM trunks)
    ORDER BY hop, origin_call_id, origin_server
)

SELECT
    hops.protocol_id, hops.origin_server, hops.origin_call_id,
    CASE WHEN hops.hop < 1000 THEN hops.hop ELSE 1 END AS hop,
    hops.from_server, hops.from_call_id, hops.from_channel_id, called.channel_name AS from_channel_name,
    calls.caller_number AS from_caller_number, calls.dialled_exten AS from_exten,
    hops.to_server, hops.to_call_id, hops.to_channel_id, caller.channel_name AS to_channel_name,
    caller.caller_number AS to_caller_number, caller.exten AS to_exten,
    called.started_at, called.ringing_at, called.answered_at, called.ended_at,
    caller.started_at AS to_started_at, caller.answered_at AS to_answered_at, caller.ended_at AS to_ended_at,
    called.ring_s, called.up_s, caller.up_s AS to_up_s, called.is_answered,
    called.hangup_cause, called.hangup_cause_txt, called.tech_cause,
    caller.hangup_cause AS to_hangup_cause, caller.hangup_cause_txt AS to_hangup_cause_txt,
    caller.tech_cause AS to_tech_cause,
    -- The call reaches the other server after it is sent, and the answer comes back after it is given. Asterisk cuts
    -- times to milliseconds.
    CASE WHEN hops.most_ms - hops.least_ms >= -2 THEN (hops.most_ms + hops.least_ms) / 2 END AS clock_offset_ms,
    CASE WHEN hops.most_ms - hops.least_ms >= -2 THEN (hops.most_ms - hops.least_ms) / 2 + 1 END AS clock_error_ms,
    called.is_complete AND caller.is_complete AS is_complete
FROM hops
JOIN legs AS called
    ON called.channel_id = hops.from_channel_id AND called.first_seq = hops.from_first_seq
    AND called.server IS NOT DISTINCT FROM hops.from_server
JOIN legs AS caller
    ON caller.channel_id = hops.to_channel_id AND caller.first_seq = hops.to_first_seq
    AND caller.server IS NOT DISTINCT FROM hops.to_server
LEFT JOIN calls ON calls.call_id = hops.from_call_id AND calls.server IS NOT DISTINCT FROM hops.from_server
ORDER BY called.started_at, hops.protocol_id, hops.hop
