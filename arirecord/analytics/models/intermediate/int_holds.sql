-- One row is one hold: a channel put the other side on hold, or an application put the channel itself on hold
-- (`is_by_app`). Identified by `channel_id` and `seq`, its first event.
-- It ends with its resumption, with a transfer by the holding channel, when all held channels have left the bridge, or
-- with the channel's end. Asterisk itself resumes for a channel that leaves: that does not take the other side back.
WITH parties AS (
    SELECT
        channel_id, seq,
        -- Held channels that stay hold the end open.
        CASE WHEN bool_and(left_seq IS NOT NULL) THEN max(left_seq) END AS left_seq,
        arg_max(left_at, left_seq) AS left_at
    FROM int_held
    GROUP BY channel_id, seq
),

departures AS (
    SELECT channel_id, left_at AS event_at, left_seq AS seq
    FROM int_bridge_stays
    WHERE left_seq IS NOT NULL
    UNION ALL
    SELECT unnest([transferer_channel_id, transferer_second_channel_id]), event_at, seq
    FROM int_transfers
),

ends AS (
    SELECT
        steps.*,
        lives.ended_at AS life_at,
        lives.ended_seq AS life_seq,
        parties.left_at,
        parties.left_seq,
        least(steps.next_seq, parties.left_seq, lives.ended_seq) AS ended_seq,
        COALESCE(ms_between(steps.next_at, departures.event_at) <= 100, false) AS is_leaving
    FROM int_hold_steps AS steps
    LEFT JOIN int_channel_lives AS lives USING (channel_id)
    LEFT JOIN parties USING (channel_id, seq)
    ASOF LEFT JOIN departures
        ON departures.channel_id = steps.channel_id AND steps.next_seq < departures.seq
)

SELECT
    channel_id,
    is_by_app,
    musicclass,
    started_at,
    CASE ended_seq WHEN next_seq THEN next_at WHEN left_seq THEN left_at ELSE life_at END AS ended_at,
    CASE
        WHEN ended_seq IS NOT NULL
        THEN ended_seq IS NOT DISTINCT FROM next_seq AND is_next_hold IS NOT DISTINCT FROM false
            AND (is_by_app OR NOT is_leaving)
    END AS is_taken_back,
    seq,
    ended_seq
FROM ends
