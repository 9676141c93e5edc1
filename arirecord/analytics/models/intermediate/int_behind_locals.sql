-- One row is one end of a Local channel behind which somebody answered, with whom the far end reached first: who answers
-- there may transfer the call. Identified by `channel_id`.
SELECT halves.channel_id, arg_min(attempts.peer_channel_id, attempts.ended_seq) AS reached_channel_id
FROM int_local_halves AS halves
JOIN int_dial_attempts AS attempts ON attempts.caller_channel_id = halves.other_id
WHERE attempts.dial_status = 'ANSWER'
GROUP BY halves.channel_id
