-- One row is one call in which a dial failed. Identified by `call_id`.
-- The last failure counts: a queue of attempts ends with the one that the caller got to know of. A dial that was
-- forwarded has not failed.
SELECT
    calls.call_id,
    arg_max(dials.dial_status, dials.seq) AS dial_status
FROM stg_dials AS dials
JOIN int_call_channels AS calls ON calls.channel_id = dials.peer_channel_id
WHERE dials.forward IS NULL
    AND dials.dial_status IN ('BUSY', 'NOANSWER', 'CANCEL', 'CONGESTION', 'CHANUNAVAIL', 'DONTCALL', 'TORTURE')
GROUP BY calls.call_id
