-- One row is one time that a channel put the other side on hold. Identified by `channel_id` and `seq`, its first
-- event.
-- A telephone may report its hold or resumption more than once. A hold without a resumption ends with a transfer by
-- the holding channel, or with that channel's end.
WITH told AS (
    SELECT channel_id, is_hold, event_at, musicclass, min(seq) AS seq
    FROM stg_hold_events
    GROUP BY ALL
    UNION ALL
    SELECT transferer_channel_id, NULL, event_at, NULL, seq
    FROM int_transfers
    WHERE transferer_channel_id IS NOT NULL
),

turns AS (
    SELECT *
    FROM (SELECT *, COALESCE(is_hold, false) AS is_held FROM told)
    QUALIFY is_held IS DISTINCT FROM lag(is_held) OVER (PARTITION BY channel_id ORDER BY seq)
),

spans AS (
    SELECT
        *,
        lead(is_hold) OVER (PARTITION BY channel_id ORDER BY seq) AS is_next_hold,
        lead(event_at) OVER (PARTITION BY channel_id ORDER BY seq) AS next_at,
        lead(seq) OVER (PARTITION BY channel_id ORDER BY seq) AS next_seq
    FROM turns
)

SELECT
    spans.channel_id,
    spans.musicclass,
    spans.event_at AS started_at,
    CASE WHEN spans.next_seq IS NULL THEN lives.ended_at ELSE spans.next_at END AS ended_at,
    CASE
        WHEN COALESCE(spans.next_seq, lives.ended_seq) IS NOT NULL THEN spans.is_next_hold IS NOT DISTINCT FROM false
    END AS is_taken_back,
    spans.seq,
    COALESCE(spans.next_seq, lives.ended_seq) AS ended_seq
FROM spans
LEFT JOIN int_channel_lives AS lives USING (channel_id)
WHERE spans.is_hold
