-- One row is one channel's part in a call. Identified by `channel_id`; `call_id` is the id of the call.
-- `role`: caller (came in), called (Asterisk called it), local (one end of a Local channel), media (audio to and from a
-- program), helper, or NULL (not known).
SELECT
    legs.call_id,
    legs.channel_id,
    facts.channel_name,
    facts.technology,
    legs.role,
    legs.is_first,
    facts.caller_number,
    facts.caller_name,
    facts.connected_number,
    facts.exten,
    facts.context,
    facts.protocol_id,
    facts.created_at AS started_at,
    facts.ringing_at,
    facts.answered_at,
    facts.ended_at,
    facts.hangup_cause,
    facts.hangup_cause_txt,
    facts.tech_cause,
    CASE
        WHEN facts.is_answered THEN seconds_between(facts.ringing_at, facts.answered_at)
        WHEN facts.is_tracked THEN seconds_between(facts.ringing_at, facts.ended_at)
    END AS ring_s,
    CASE
        WHEN facts.is_answered THEN seconds_between(facts.answered_at, facts.ended_at)
        WHEN facts.is_over AND facts.is_tracked THEN 0
    END AS up_s,
    CASE
        WHEN facts.is_tracked AND facts.is_over AND COALESCE(times.is_bridged_known, true)
        THEN COALESCE(times.bridged_ms, 0) / 1000
    END AS bridged_s,
    CASE
        WHEN facts.is_tracked AND facts.is_over AND COALESCE(times.is_holding_known, true)
        THEN COALESCE(times.holding_ms, 0) / 1000
    END AS holding_s,
    CASE WHEN facts.is_answered OR facts.is_tracked THEN facts.is_answered END AS is_answered,
    facts.is_complete,
    facts.first_seq,
    facts.last_seq
FROM int_legs AS legs
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_bridged_times AS times USING (channel_id)
