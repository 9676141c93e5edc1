-- One row is one interval of speech in a bridge with only one other channel. Identified by `channel_id` and `seq`.
SELECT speech.channel_id, speech.seq, any_value(others.channel_id) AS peer_id
FROM int_speech AS speech
JOIN int_bridge_stays AS stays
    ON stays.channel_id = speech.channel_id
    AND COALESCE(stays.entered_seq < speech.seq, true) AND COALESCE(stays.left_seq > speech.seq, true)
JOIN int_bridge_stays AS others
    ON others.bridge_id = stays.bridge_id AND others.channel_id <> stays.channel_id
    AND COALESCE(others.entered_seq < speech.seq, true) AND COALESCE(others.left_seq > speech.seq, true)
GROUP BY speech.channel_id, speech.seq
HAVING count(DISTINCT others.channel_id) = 1
