-- One row is one interval in which at least two answered channels shared a bridge. Identified by `bridge_id` and
-- `first_seq` (NULL: it began before the recording). Holding bridges and Asterisk's helper channels do not count.
-- Values that are not known are NULL.
SELECT
    talks.call_id,
    talks.bridge_id,
    talks.started_at,
    talks.ended_at,
    CASE
        WHEN gaps.seq IS NULL OR gaps.seq < talks.first_seq
        THEN seconds_between(talks.started_at, talks.ended_at)
    END AS duration_s,
    talks.channel_count,
    members.channel_ids,
    members.numbers,
    members.is_relayed,
    NULLIF(talks.first_seq, -1) AS first_seq,
    talks.last_seq
FROM int_conversations AS talks
LEFT JOIN int_conversation_members AS members USING (bridge_id, conversation)
ASOF LEFT JOIN int_gaps AS gaps ON talks.last_seq >= gaps.seq
