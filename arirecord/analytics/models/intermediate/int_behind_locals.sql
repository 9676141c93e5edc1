-- One row is one end of a Local channel whose far end was answered, with the channel that answered first. Identified
-- by `channel_id`.
-- The first counts, because the party that answers may transfer the call.
SELECT halves.channel_id, arg_min(attempts.peer_channel_id, attempts.ended_seq) AS reached_channel_id
FROM int_local_halves AS halves
JOIN int_dial_attempts AS attempts ON attempts.caller_channel_id = halves.other_id
WHERE attempts.dial_status = 'ANSWER'
GROUP BY halves.channel_id
