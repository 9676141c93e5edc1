-- One row is one channel's part in a call. Identified by `channel_id`; `call_id` says which call.
-- `role`: caller (came in), called (Asterisk called it), local (one end of a Local channel), helper, or NULL: not known.
SELECT
    legs.call_id,
    legs.channel_id,
    legs.channel_name,
    legs.technology,
    legs.role,
    legs.is_first,
    legs.caller_number,
    legs.caller_name,
    legs.connected_number,
    legs.exten,
    legs.context,
    legs.created_at AS started_at,
    legs.ringing_at,
    legs.answered_at,
    legs.ended_at,
    legs.hangup_cause,
    legs.hangup_cause_txt,
    legs.tech_cause,
    CASE
        WHEN legs.is_answered THEN (epoch_ms(legs.answered_at) - epoch_ms(legs.ringing_at)) / 1000
        ELSE (epoch_ms(legs.ended_at) - epoch_ms(legs.ringing_at)) / 1000
    END AS ring_s,
    CASE
        WHEN legs.is_answered THEN (epoch_ms(legs.ended_at) - epoch_ms(legs.answered_at)) / 1000
        WHEN legs.is_ended THEN 0
    END AS up_s,
    CASE WHEN COALESCE(times.is_bridged_known, true) THEN COALESCE(times.bridged_ms, 0) / 1000 END AS bridged_s,
    CASE WHEN COALESCE(times.is_holding_known, true) THEN COALESCE(times.holding_ms, 0) / 1000 END AS holding_s,
    legs.is_answered,
    legs.is_complete,
    legs.first_seq,
    legs.last_seq
FROM int_legs AS legs
LEFT JOIN int_bridged_times AS times USING (channel_id)
