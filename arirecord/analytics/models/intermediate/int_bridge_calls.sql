-- One row is one entry into a bridge, with the call that the channel belongs to. Identified by `bridge_id` and `seq`.
-- Events of a bridge belong to the call of the channel that entered it last before.
SELECT stays.bridge_id, stays.entered_seq AS seq, any_value(calls.call_id) AS call_id
FROM int_bridge_stays AS stays
JOIN int_call_channels AS calls USING (channel_id)
WHERE stays.entered_seq IS NOT NULL
GROUP BY stays.bridge_id, stays.entered_seq
