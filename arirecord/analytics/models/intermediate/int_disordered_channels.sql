-- One row is one channel whose events contradict each other: they were lost or put in another order. Identified by
-- `channel_id`.
-- Asterisk sends events of a channel in order, from its creation to its end, and makes a dialled channel after the one
-- that dials.
SELECT channel_id
FROM int_channel_lives
WHERE first_seq < created_seq OR answered_seq > ended_seq OR ended_at < created_at
UNION
SELECT channel_id
FROM int_dialled
JOIN int_channel_lives AS lives USING (channel_id)
WHERE int_dialled.last_seq > lives.ended_seq
UNION
SELECT channel_id
FROM int_bridge_stays AS stays
JOIN int_channel_lives AS lives USING (channel_id)
WHERE stays.entered_seq > lives.ended_seq OR stays.left_seq > lives.ended_seq
UNION
SELECT channel_id
FROM int_talk_stays AS stays
JOIN int_channel_lives AS lives USING (channel_id)
WHERE stays.entered_seq IS NULL AND lives.is_complete
UNION
SELECT peers.channel_id
FROM int_dials AS dials
JOIN int_channel_lives AS callers ON callers.channel_id = dials.caller_channel_id
JOIN int_channel_lives AS peers ON peers.channel_id = dials.peer_channel_id
WHERE dials.dial_status IS NULL AND callers.created_seq > peers.created_seq
