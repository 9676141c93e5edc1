-- One row is one call with a request to end it. Identified by `call_id`.
-- The last channel whose far end requested the end ended the call: others had left before, and channels that Asterisk
-- hangs up send no request. Without such a request, Asterisk ended it. In an answered call only channels that took
-- part count.
WITH requests AS (
    SELECT
        legs.call_id,
        legs.channel_id,
        legs.role,
        asked.seq,
        -- An incoming channel that was refused (by Busy() and the like) sent no request itself; one that cancelled
        -- (487) did.
        asked.is_soft OR (NOT facts.is_answered AND legs.role = 'caller' AND COALESCE(asked.tech_cause, 487) <> 487)
            AS is_soft
    FROM int_hangup_requests AS asked
    JOIN int_legs AS legs USING (channel_id)
    JOIN int_channel_facts AS facts USING (channel_id)
    LEFT JOIN int_call_parties AS parties ON parties.call_id = legs.call_id
    WHERE legs.role IS DISTINCT FROM 'local'
      AND (facts.is_answered OR (parties.is_answered AND parties.first_role IS DISTINCT FROM 'local') IS NOT true)
)

SELECT
    call_id,
    COALESCE(arg_max(role, seq) FILTER (NOT is_soft), CASE WHEN bool_and(is_soft) THEN 'asterisk' END) AS ended_by,
    arg_max(channel_id, seq) FILTER (NOT is_soft) AS ended_by_channel_id
FROM requests
GROUP BY call_id
