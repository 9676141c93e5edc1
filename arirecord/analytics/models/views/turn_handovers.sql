-- One row is one call with an agent in which a human talked with the caller. Identified by `call_id`.
-- It is the first time that both were answered and in one bridge. A Local channel stands for the channel behind it.
WITH stays AS (
    SELECT
        parties.call_id, parties.speaker,
        COALESCE(behind.reached_channel_id, stays_of_leg.channel_id) AS channel_id,
        stays_of_leg.bridge_id, stays_of_leg.entered_at, stays_of_leg.entered_seq, stays_of_leg.left_seq
    FROM int_talk_stays AS stays_of_leg
    JOIN turn_parties AS parties USING (channel_id)
    LEFT JOIN int_behind_locals AS behind USING (channel_id)
    WHERE parties.role IS DISTINCT FROM 'local' OR behind.reached_channel_id IS NOT NULL
)

SELECT
    humans.call_id,
    min(greatest(humans.entered_at, callers.entered_at)) AS handed_over_at,
    arg_min(humans.channel_id, greatest(humans.entered_seq, callers.entered_seq)) AS channel_id
FROM stays AS humans
JOIN stays AS callers
    ON callers.bridge_id = humans.bridge_id AND callers.call_id = humans.call_id
    AND COALESCE(callers.entered_seq < humans.left_seq, true) AND COALESCE(callers.left_seq > humans.entered_seq, true)
WHERE humans.speaker = 'human' AND callers.speaker = 'caller'
GROUP BY humans.call_id
