-- One row is one call, with its answer, its end and whose speech is reported. Identified by `call_id`.
-- `has_other_side`: speech of another party than the caller is reported. `hung_up_at` is when the caller's channel was
-- asked to end, by either side.
WITH ends AS (
    SELECT parties.call_id, min(COALESCE(asked.event_at, lives.ended_at)) AS hung_up_at
    FROM turn_parties AS parties
    LEFT JOIN int_hangup_requests AS asked USING (channel_id)
    LEFT JOIN int_channel_lives AS lives USING (channel_id)
    WHERE parties.speaker = 'caller'
    GROUP BY parties.call_id
)

SELECT
    ends.call_id,
    any_value(answers.answered_at) AS answered_at,
    any_value(ends.hung_up_at) AS hung_up_at,
    any_value(endings.ended_by) AS ended_by,
    COALESCE(bool_or(NOT listed.is_caller), false) AS has_other_side,
    COALESCE(bool_or(listed.is_caller), false) AS has_caller
FROM ends
LEFT JOIN turn_list AS listed USING (call_id)
LEFT JOIN int_call_parties AS answers USING (call_id)
LEFT JOIN int_call_endings AS endings USING (call_id)
GROUP BY ends.call_id
