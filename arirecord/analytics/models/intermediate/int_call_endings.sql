-- One row is one call with a request to end it. Identified by `call_id`.
-- The first far end that requested its end in the last stage of the call, while no other two parties went on talking
-- and no other was being called, ended the call; later requests come from parties that are left over. A party that went
-- on in the dialplan ended it if it requested its end there. Without such a request Asterisk ended it. `ended_by` is
-- NULL if parties of different roles requested it in one millisecond; of one role, only their channel is not known.
WITH dials AS (
    SELECT
        legs.call_id, legs.role, legs.channel_id, attempts.caller_channel_id, attempts.seq,
        least(attempts.ended_seq, COALESCE(asked.seq, attempts.ended_seq)) AS ended_seq
    FROM int_dial_attempts AS attempts
    JOIN int_legs AS legs ON legs.channel_id = attempts.peer_channel_id
    LEFT JOIN (
        SELECT channel_id, min(seq) AS seq FROM int_hangup_requests GROUP BY channel_id
    ) AS asked ON asked.channel_id = legs.channel_id
),

-- Parties that leave within a second, as in a page that its caller ends, do not go on.
judged AS (
    SELECT
        asked.*,
        count(DISTINCT talkers.channel_id) FILTER (
            talkers.channel_id <> asked.channel_id
            AND COALESCE(talkers.ended_at > asked.event_at + INTERVAL 1 SECOND, true)
        ) AS talker_count,
        COALESCE(bool_or(talkers.channel_id = asked.channel_id), false) AS is_talking,
        min(talkers.left_seq) AS next_left_seq
    FROM int_call_requests AS asked
    LEFT JOIN int_talk_parts AS talkers
        ON talkers.call_id = asked.call_id AND talkers.role <> 'local'
        AND COALESCE(talkers.entered_seq < asked.seq, true) AND COALESCE(talkers.left_seq > asked.seq, true)
    WHERE NOT asked.is_soft
    GROUP BY ALL
),

endings AS (
    SELECT judged.* EXCLUDE (talker_count), count(others.channel_id) AS dial_count
    FROM judged
    LEFT JOIN dials AS others
        ON others.call_id = judged.call_id AND others.channel_id <> judged.channel_id AND others.role <> 'local'
        AND others.seq < judged.seq AND COALESCE(others.ended_seq > judged.seq, false)
        -- A party that an app called, and that then dials itself, is like a caller.
        AND others.caller_channel_id IS DISTINCT FROM judged.channel_id
    WHERE judged.talker_count <= 1
    GROUP BY ALL
    HAVING judged.is_talking OR judged.role = 'caller' OR dial_count = 0
),

firsts AS (
    FROM endings
    QUALIFY row_number() OVER (PARTITION BY call_id ORDER BY is_before_step, seq) = 1
),

tied AS (
    SELECT
        asked.call_id, asked.is_soft, firsts.role, firsts.channel_id,
        COALESCE(
            NOT asked.is_soft AND asked.channel_id <> firsts.channel_id AND asked.event_at = firsts.event_at
            AND asked.seq < firsts.next_left_seq, false
        ) AS is_tied,
        is_tied AND asked.role IS DISTINCT FROM firsts.role AS is_open
    FROM int_call_requests AS asked
    LEFT JOIN firsts ON firsts.call_id = asked.call_id
)

SELECT
    call_id,
    CASE
        WHEN NOT bool_or(is_open)
        THEN COALESCE(any_value(role), CASE WHEN bool_or(is_soft) THEN 'asterisk' END)
    END AS ended_by,
    CASE WHEN NOT bool_or(is_tied) THEN any_value(channel_id) END AS ended_by_channel_id
FROM tied
GROUP BY call_id
