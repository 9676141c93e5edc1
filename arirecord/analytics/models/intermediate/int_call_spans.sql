-- One row is one call, with its times and how much of it was recorded. Identified by `call_id`.
-- `is_traced`: the recording has all its events, up to the recording's end. `is_whole`: the call is also over.
-- Asterisk's helper channels and media legs alone are not a call.
SELECT
    legs.call_id,
    CASE WHEN NOT bool_or(COALESCE(unseen.is_older, false)) THEN min(facts.created_at) END AS started_at,
    CASE WHEN bool_and(facts.is_over) THEN max(facts.ended_at) END AS ended_at,
    count(*) AS channel_count,
    count(*) FILTER (legs.role IS DISTINCT FROM 'local' AND NOT facts.is_helper AND NOT facts.is_media) AS leg_count,
    count(*) FILTER (legs.role = 'caller') AS caller_count,
    bool_and(facts.is_complete AND unseen.call_id IS NULL AND disordered.channel_id IS NULL) AS is_complete,
    bool_and(facts.is_unbroken) AS is_unbroken,
    -- If the first channel is not known, others may be missing, too.
    bool_or(legs.is_first) IS true AND bool_and(unseen.call_id IS NULL)
        AND bool_and(facts.is_tracked) FILTER (NOT facts.is_helper) AS is_traced,
    is_traced AND bool_and(facts.is_over) FILTER (NOT facts.is_helper) AS is_whole,
    min(facts.first_seq) AS first_seq,
    max(facts.last_seq) AS last_seq
FROM int_legs AS legs
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_unseen_channels AS unseen USING (call_id)
LEFT JOIN int_disordered_channels AS disordered USING (channel_id)
GROUP BY legs.call_id
HAVING bool_or(NOT facts.is_helper AND NOT facts.is_media)
