-- One row is one transfer that was done, with the dial attempts that followed from it. Identified by `seq`.
-- Dials of a Local channel count, too.
WITH direct AS (
    SELECT goers.seq AS transfer_seq, goers.next_seq, attempts.*
    FROM int_transfer_goers AS goers
    JOIN int_dial_attempts AS attempts
        ON attempts.caller_channel_id = goers.goer_id
        AND attempts.seq >= goers.from_seq
        AND attempts.seq < goers.next_seq
        AND COALESCE(attempts.ended_seq > goers.open_seq, true)
),

attempts_of_all AS (
    SELECT *, false AS is_inner FROM direct
    UNION ALL
    SELECT direct.transfer_seq, direct.next_seq, behind.*, true
    FROM direct
    JOIN int_local_halves AS halves ON halves.channel_id = direct.peer_channel_id
    JOIN int_dial_attempts AS behind
        ON behind.caller_channel_id = halves.other_id AND behind.seq < direct.next_seq
),

-- A dial for which Asterisk could not make a channel shows only in the variable DIALSTATUS.
refused AS (
    SELECT DISTINCT goers.seq
    FROM int_transfer_goers AS goers
    JOIN stg_variables AS status ON status.channel_id = goers.goer_id
    WHERE status.variable = 'DIALSTATUS' AND status.value IN ('CHANUNAVAIL', 'CONGESTION')
        AND status.seq >= goers.from_seq AND status.seq < goers.next_seq
)

SELECT
    spans.seq,
    bool_and(goer.ended_seq IS NOT NULL) AS is_tracked,
    bool_or(refused.seq IS NOT NULL) AS is_refused,
    count(DISTINCT tried.peer_channel_id) AS attempt_count,
    min(tried.ended_at) FILTER (tried.dial_status = 'ANSWER' AND NOT tried.is_inner) AS answered_at,
    arg_max(tried.peer_channel_id, (tried.is_inner, tried.ended_seq)) FILTER (tried.dial_status = 'ANSWER')
        AS answered_by_channel_id,
    arg_max(tried.dial_status, (tried.is_inner, tried.ended_seq)) FILTER (tried.dial_status <> 'ANSWER') AS failed_status
FROM int_transfer_spans AS spans
LEFT JOIN refused USING (seq)
LEFT JOIN int_transfer_goers AS goers USING (seq)
LEFT JOIN int_channel_lives AS goer ON goer.channel_id = goers.goer_id
LEFT JOIN attempts_of_all AS tried ON tried.transfer_seq = spans.seq
GROUP BY spans.seq
