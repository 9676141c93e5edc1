-- One row is one channel's part in one conversation. Identified by `channel_id`, `bridge_id` and `left_seq`. Each
-- of a call's channels counts, even in a conversation with channels of another call. Times that are not known are NULL.
SELECT
    legs.call_id,
    legs.role,
    stays.channel_id,
    stays.bridge_id,
    greatest(stays.entered_at, talks.started_at) AS started_at,
    -- A stay without an end goes on: the conversation's own times limit it.
    CASE WHEN stays.left_at IS NOT NULL OR stays.left_seq IS NULL THEN least(stays.left_at, talks.ended_at) END
        AS ended_at,
    greatest(stays.entered_seq, talks.first_seq) AS entered_seq,
    least(stays.left_seq, talks.last_seq) AS left_seq
FROM int_talk_stays AS stays
JOIN int_legs AS legs USING (channel_id)
JOIN int_conversations AS talks
    ON talks.bridge_id = stays.bridge_id
    AND COALESCE(talks.first_seq < stays.left_seq, true)
    AND COALESCE(stays.entered_seq < talks.last_seq, true)
