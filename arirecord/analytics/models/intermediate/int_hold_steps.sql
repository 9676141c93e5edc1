-- One row is one time that a hold began, with the step that followed. Identified by `channel_id`, `is_by_app` and `seq`.
-- A phone may report its hold or resumption more than once. A transfer by the holding channel ends its hold.
-- `is_by_app`: an application put the channel itself on hold, otherwise the channel put the other side on hold.
WITH reported AS (
    SELECT channel_id, false AS is_by_app, is_hold, event_at, musicclass, min(seq) AS seq
    FROM stg_hold_events
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT channel_id, true AS is_by_app, NOT is_end AS is_hold, event_at, seq
    FROM int_channel_requests
    WHERE operation = 'hold'
    UNION ALL BY NAME
    SELECT transferer_channel_id AS channel_id, false AS is_by_app, event_at, seq
    FROM int_transfers
    WHERE transferer_channel_id IS NOT NULL
),

changes AS (
    SELECT *
    FROM (SELECT *, COALESCE(is_hold, false) AS is_held FROM reported)
    QUALIFY is_held IS DISTINCT FROM lag(is_held) OVER (PARTITION BY channel_id, is_by_app ORDER BY seq)
)

SELECT
    channel_id,
    is_by_app,
    is_hold,
    musicclass,
    event_at AS started_at,
    seq,
    lead(is_hold) OVER steps_of_channel AS is_next_hold,
    lead(event_at) OVER steps_of_channel AS next_at,
    lead(seq) OVER steps_of_channel AS next_seq
FROM changes
WINDOW steps_of_channel AS (PARTITION BY channel_id, is_by_app ORDER BY seq)
QUALIFY is_hold
