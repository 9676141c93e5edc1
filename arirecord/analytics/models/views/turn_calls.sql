-- One row is one call, with its answer, its end and whose speech is reported. Identified by `call_id`.
-- `has_other_side`: speech of another party than the caller is reported.
SELECT
    calls_of_parties.call_id,
    any_value(parties.answered_at) AS answered_at,
    any_value(hangups_of_call.hung_up_at) AS hung_up_at,
    any_value(endings.ended_by) AS ended_by,
    COALESCE(bool_or(NOT listed.is_caller), false) AS has_other_side,
    COALESCE(bool_or(listed.is_caller), false) AS has_caller
FROM (SELECT DISTINCT call_id FROM turn_parties) AS calls_of_parties
LEFT JOIN turn_list AS listed USING (call_id)
LEFT JOIN int_call_parties AS parties USING (call_id)
LEFT JOIN int_call_endings AS endings USING (call_id)
LEFT JOIN (
    SELECT call_id, min(event_at) AS hung_up_at FROM int_call_requests GROUP BY call_id
) AS hangups_of_call USING (call_id)
GROUP BY calls_of_parties.call_id
