-- One row is one transfer that was done, with the dial attempts that followed from it. Identified by `seq`.
-- The transferee goes on in the dialplan, or the far half of the Local channel that takes the transferer's place. An
-- attempt by the transferer's second channel counts if it was still open. Dials of a Local channel count, too.
WITH goers AS (
    SELECT
        seq, next_seq, moved_seq AS from_seq, moved_seq AS open_seq,
        COALESCE(halves.other_id, replace_channel_id, transferee_channel_id) AS goer_id,
        COALESCE(transferee_channel_id, '') AS transferee_id, COALESCE(transferer_channel_id, '') AS transferer_id
    FROM int_transfer_spans AS spans
    LEFT JOIN int_local_halves AS halves ON halves.channel_id = spans.replace_channel_id
    UNION ALL
    SELECT seq, next_seq, 0, seq, transferer_second_channel_id, COALESCE(transferee_channel_id, ''),
        COALESCE(transferer_channel_id, '')
    FROM int_transfer_spans WHERE destination_type = 'application'
),

direct AS (
    SELECT goers.seq AS transfer_seq, goers.next_seq, attempts.*
    FROM goers
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

met AS (
    SELECT
        goers.seq,
        min(greatest(stays.entered_at, others.entered_at)) AS met_at,
        arg_min(others.channel_id, greatest(stays.entered_seq, others.entered_seq)) AS met_channel_id
    FROM goers
    JOIN int_talk_stays AS stays
        ON stays.channel_id = goers.goer_id
        AND stays.entered_seq > goers.open_seq AND stays.entered_seq < goers.next_seq
    JOIN int_talk_stays AS others
        ON others.bridge_id = stays.bridge_id
        AND others.channel_id NOT IN (stays.channel_id, goers.transferee_id, goers.transferer_id)
        AND COALESCE(others.left_seq > stays.entered_seq, true)
        AND COALESCE(others.entered_seq < least(stays.left_seq, goers.next_seq), true)
    GROUP BY goers.seq
),

-- A dial for which Asterisk could not make a channel shows only in the variable DIALSTATUS.
refused AS (
    SELECT DISTINCT goers.seq
    FROM goers
    JOIN stg_variables AS status ON status.channel_id = goers.goer_id
    WHERE status.variable = 'DIALSTATUS' AND status.value IN ('CHANUNAVAIL', 'CONGESTION')
        AND status.seq >= goers.from_seq AND status.seq < goers.next_seq
)

SELECT
    spans.seq,
    any_value(met.met_at) AS met_at,
    any_value(met.met_channel_id) AS met_channel_id,
    bool_and(goer.ended_seq IS NOT NULL) AS is_tracked,
    bool_or(refused.seq IS NOT NULL) AS is_refused,
    count(DISTINCT tried.peer_channel_id) AS attempt_count,
    min(tried.ended_at) FILTER (tried.dial_status = 'ANSWER' AND NOT tried.is_inner) AS answered_at,
    arg_max(tried.peer_channel_id, (tried.is_inner, tried.ended_seq)) FILTER (tried.dial_status = 'ANSWER')
        AS answered_by_channel_id,
    arg_max(tried.dial_status, (tried.is_inner, tried.ended_seq)) FILTER (tried.dial_status <> 'ANSWER') AS failed_status
FROM int_transfer_spans AS spans
LEFT JOIN met USING (seq) LEFT JOIN refused USING (seq)
LEFT JOIN goers USING (seq)
LEFT JOIN int_channel_lives AS goer ON goer.channel_id = goers.goer_id
LEFT JOIN attempts_of_all AS tried ON tried.transfer_seq = spans.seq
GROUP BY spans.seq
