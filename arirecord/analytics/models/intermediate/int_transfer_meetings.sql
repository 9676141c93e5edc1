-- One row is one transfer after which another party joined the channel that goes on. Identified by `seq`.
SELECT
    goers.seq,
    min(greatest(stays.entered_at, others.entered_at)) AS met_at,
    arg_min(others.channel_id, greatest(stays.entered_seq, others.entered_seq)) AS met_channel_id
FROM int_transfer_goers AS goers
JOIN int_talk_stays AS stays
    ON stays.channel_id = goers.goer_id
    AND COALESCE(stays.left_seq > goers.open_seq, true) AND stays.entered_seq < goers.next_seq
JOIN int_talk_stays AS others
    ON others.bridge_id = stays.bridge_id
    AND others.channel_id NOT IN (stays.channel_id, goers.transferee_id, goers.transferer_id, goers.second_id)
    AND COALESCE(others.left_seq > stays.entered_seq, true)
    AND COALESCE(others.entered_seq < least(stays.left_seq, goers.next_seq), true)
WHERE stays.entered_seq > goers.open_seq OR (goers.is_joined AND others.entered_seq > goers.open_seq)
GROUP BY goers.seq
