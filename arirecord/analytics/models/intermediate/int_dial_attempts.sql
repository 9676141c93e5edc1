-- One row is one attempt to reach a channel by dialling. Identified by `peer_channel_id` and `seq`, its first event.
-- A peer without a caller was originated. Only the end of an attempt has a final dial status.
WITH reported_dials AS (
    SELECT
        *,
        COALESCE(NOT is_progress_status(dial_status), false) AS is_final
    FROM int_dials
    WHERE peer_channel_id IS NOT NULL
),

-- A transfer may remove or replace the caller before the attempt ends. Only an attempt that was picked up is answered
-- for another caller than the one that dialled.
steps AS (
    SELECT * REPLACE (
        CASE
            WHEN dial_status IS NOT NULL
                AND (dial_status <> 'ANSWER' OR count(*) FILTER (is_final) OVER earlier = 0)
            THEN first_value(caller_channel_id) OVER (PARTITION BY peer_channel_id ORDER BY seq)
            ELSE caller_channel_id
        END AS caller_channel_id
    )
    FROM reported_dials
    WINDOW earlier AS (PARTITION BY peer_channel_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),

attempts AS (
    SELECT
        peer_channel_id,
        caller_channel_id,
        min(seq) AS seq,
        min(event_at) AS first_at,
        arg_min(dialstring, seq) AS dialstring,
        min(event_at) FILTER (dial_status IS NULL) AS started_at,
        min(seq) FILTER (dial_status IS NULL) AS started_seq,
        min(event_at) FILTER (is_ringing_status(dial_status)) AS rung_at,
        min(seq) FILTER (is_ringing_status(dial_status)) AS rung_seq,
        min(event_at) FILTER (is_final) AS ended_at,
        min(seq) FILTER (is_final) AS ended_seq,
        arg_min(dial_status, seq) FILTER (is_final) AS dial_status,
        any_value(forward) AS forward,
        any_value(forwarded_channel_id) AS forwarded_channel_id
    FROM steps
    GROUP BY peer_channel_id, caller_channel_id
),

spans AS (
    SELECT
        attempts.*,
        lives.ringing_at AS peer_ringing_at,
        lives.answered_at AS peer_answered_at,
        COALESCE(attempts.started_seq, lives.created_seq) AS from_seq,
        COALESCE(attempts.ended_seq, lives.ended_seq) AS over_seq
    FROM attempts
    LEFT JOIN int_channel_lives AS lives ON lives.channel_id = attempts.peer_channel_id
)

SELECT
    spans.* EXCLUDE (first_at, started_seq, rung_at, rung_seq, peer_ringing_at, peer_answered_at, from_seq, over_seq),
    -- The peer may be up before the attempt ends, to press a key or for an announcement. A channel that picked the call
    -- up was not dialled.
    CASE
        WHEN started_at IS NOT NULL AND peer_answered_at >= COALESCE(rung_at, peer_ringing_at, started_at)
        THEN least(peer_answered_at, ended_at)
    END AS up_at,
    CASE
        -- An earlier ringing may be missing.
        WHEN from_seq IS NULL OR gaps.seq > from_seq THEN NULL
        WHEN rung_seq IS NOT NULL THEN rung_at
        -- While an attempt is open, a Dial event may still report when it rang. A phone may ring a moment after it
        -- was given up.
        WHEN over_seq IS NOT NULL AND peer_ringing_at >= first_at AND COALESCE(peer_ringing_at <= ended_at, true)
        THEN peer_ringing_at
    END AS ringing_at
FROM spans
ASOF LEFT JOIN int_gaps AS gaps ON COALESCE(spans.rung_seq, spans.over_seq) >= gaps.seq
