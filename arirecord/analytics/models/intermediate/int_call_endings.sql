-- One row is one call that somebody asked to end. Identified by `call_id`.
-- The last who asked from outside ended it: others had left before, and whom Asterisk hangs up does not ask. Where
-- nobody asked from outside, Asterisk ended it. In an answered call only those count who were in it.
WITH requests AS (
    SELECT
        legs.call_id,
        legs.channel_id,
        legs.role,
        asked.seq,
        -- An incoming channel that was refused (by Busy() and the like) did not ask itself; one that cancelled (487) did.
        asked.is_soft OR (NOT legs.is_answered AND legs.role = 'caller' AND COALESCE(asked.tech_cause, 487) <> 487)
            AS is_soft,
        legs.is_answered,
        bool_or(legs.is_first AND legs.is_answered) OVER (PARTITION BY legs.call_id) AS is_call_answered
    FROM int_legs AS legs
    LEFT JOIN int_hangup_requests AS asked USING (channel_id)
    WHERE legs.role IS DISTINCT FROM 'local'
)

SELECT
    call_id,
    COALESCE(arg_max(role, seq) FILTER (NOT is_soft), CASE WHEN bool_and(is_soft) THEN 'asterisk' END) AS ended_by,
    arg_max(channel_id, seq) FILTER (NOT is_soft) AS ended_by_channel_id
FROM requests
WHERE seq IS NOT NULL AND (is_answered OR NOT is_call_answered)
GROUP BY call_id
