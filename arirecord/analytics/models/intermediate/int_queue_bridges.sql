-- One row is one time that a caller entered a bridge in which it can talk. Identified by `channel_id` and `seq`.
-- The two were connected even if one hangs up as they are bridged: if the caller does not enter the bridge any more,
-- the answered channel enters it alone.
SELECT channel_id, entered_seq AS seq, entered_at AS event_at
FROM int_bridge_stays
WHERE NOT is_holding AND entered_seq IS NOT NULL
UNION ALL
SELECT * EXCLUDE (bridge_id)
FROM (
    SELECT
        attempts.caller_channel_id AS channel_id,
        min(stays.entered_seq) AS seq,
        arg_min(stays.entered_at, stays.entered_seq) AS event_at,
        arg_min(stays.bridge_id, stays.entered_seq) AS bridge_id
    FROM int_dial_attempts AS attempts
    JOIN int_bridge_stays AS stays
        ON stays.channel_id = attempts.peer_channel_id AND stays.entered_seq > attempts.ended_seq
    WHERE attempts.dial_status = 'ANSWER' AND attempts.caller_channel_id IS NOT NULL AND NOT stays.is_holding
    GROUP BY attempts.caller_channel_id, attempts.peer_channel_id
) AS reached
ANTI JOIN int_bridge_stays AS mine ON mine.channel_id = reached.channel_id AND mine.bridge_id = reached.bridge_id
