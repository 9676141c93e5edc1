-- One row is one call, with when it was and how much of it was recorded. Identified by `call_id`.
-- `is_traced`: nothing can have happened in it that is not in the recording, up to where that ends; `is_whole`: and it
-- is over. Helpers of Asterisk's alone are no call.
SELECT
    legs.call_id,
    min(facts.created_at) AS started_at,
    CASE WHEN bool_and(facts.is_ended) THEN max(facts.ended_at) END AS ended_at,
    count(*) AS channel_count,
    count(*) FILTER (legs.role IS DISTINCT FROM 'local' AND NOT facts.is_helper) AS leg_count,
    bool_and(facts.is_complete) AS is_complete,
    bool_and(facts.is_unbroken) AS is_unbroken,
    -- Where the first channel is not known others may have been lost with it.
    bool_or(legs.is_first) IS true AND bool_and(facts.is_tracked) FILTER (NOT facts.is_helper) AS is_traced,
    is_traced AND bool_and(facts.is_over) FILTER (NOT facts.is_helper) AS is_whole,
    min(facts.first_seq) AS first_seq,
    max(facts.last_seq) AS last_seq
FROM int_legs AS legs
JOIN int_channel_facts AS facts USING (channel_id)
GROUP BY legs.call_id
HAVING bool_or(NOT facts.is_helper)
