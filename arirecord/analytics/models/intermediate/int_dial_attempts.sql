-- One row is one attempt to reach a channel by dialling. Identified by `peer_channel_id` and `seq`, its first event.
-- A peer without a caller was originated. Only the end of an attempt has one of Asterisk's dial statuses that are final.
WITH told AS (
    SELECT
        *,
        dial_status IS NOT NULL AND dial_status NOT IN ('RINGING', 'PROGRESS', 'PROCEEDING') AS is_final
    FROM int_dials
    WHERE peer_channel_id IS NOT NULL
),

-- A transfer may take the caller away, or put another into his place, before the attempt ends. Only who picks a call up
-- is answered for another caller than the one he was dialled by.
steps AS (
    SELECT * REPLACE (
        CASE
            WHEN dial_status IS NOT NULL
                AND (dial_status <> 'ANSWER' OR count(*) FILTER (is_final) OVER earlier = 0)
            THEN first_value(caller_channel_id) OVER (PARTITION BY peer_channel_id ORDER BY seq)
            ELSE caller_channel_id
        END AS caller_channel_id
    )
    FROM told
    WINDOW earlier AS (PARTITION BY peer_channel_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)

SELECT
    peer_channel_id,
    caller_channel_id,
    min(steps.seq) AS seq,
    arg_min(dialstring, steps.seq) AS dialstring,
    min(event_at) FILTER (dial_status IS NULL) AS started_at,
    COALESCE(
        min(event_at) FILTER (dial_status IN ('RINGING', 'PROGRESS')),
        -- A telephone may ring a moment after it was given up.
        CASE
            WHEN any_value(lives.ringing_at) >= min(event_at)
                AND COALESCE(any_value(lives.ringing_at) <= min(event_at) FILTER (is_final), true)
            THEN any_value(lives.ringing_at)
        END
    ) AS ringing_at,
    min(event_at) FILTER (is_final) AS ended_at,
    min(seq) FILTER (is_final) AS ended_seq,
    arg_min(dial_status, seq) FILTER (is_final) AS dial_status,
    any_value(forward) AS forward,
    any_value(forwarded_channel_id) AS forwarded_channel_id
FROM steps
LEFT JOIN int_channel_lives AS lives ON lives.channel_id = steps.peer_channel_id
GROUP BY peer_channel_id, caller_channel_id
