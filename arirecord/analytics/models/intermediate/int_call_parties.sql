-- One row is one call, with what its first channel and the first that it reached say of the parties. Identified by
-- `call_id`. The first channel is the earliest that is no helper of Asterisk's: the caller, or whom an app called first.
WITH reached AS (
    SELECT *
    FROM int_legs
    WHERE role = 'called' AND NOT is_first
    QUALIFY row_number() OVER (PARTITION BY call_id ORDER BY answered_at NULLS LAST, first_seq) = 1
)

SELECT
    first_leg.call_id,
    first_leg.channel_id AS first_channel_id,
    first_leg.role AS first_role,
    first_leg.endpoint AS first_endpoint,
    first_leg.caller_number,
    first_leg.caller_name,
    NULLIF(first_leg.exten, 's') AS dialled_exten,
    first_leg.context AS dialled_context,
    -- An app that originates often gives the new channel the caller's number: that of the called is then unknown.
    NULLIF(reached.caller_number, first_leg.caller_number) AS called_number,
    first_leg.is_answered,
    first_leg.is_ended,
    first_leg.answered_at,
    times.last_left_at,
    first_leg.hangup_cause,
    first_leg.hangup_cause_txt,
    first_leg.tech_cause
FROM int_legs AS first_leg
LEFT JOIN reached USING (call_id)
LEFT JOIN int_bridged_times AS times ON times.channel_id = first_leg.channel_id
WHERE first_leg.is_first
