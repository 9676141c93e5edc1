-- One row is one stay of a party in a bridge in which it could talk. Identified by `channel_id`, `bridge_id` and
-- `left_seq`. It begins when the channel is both in the bridge and answered: apps bridge channels that still ring.
-- A transfer can give a channel the place of another: then its entry has no event, and the other ends without
-- leaving. An entry before the recording or in a gap has no event either: the answer stands for it if it comes later.
-- From `certain_seq` on the channel takes part, although the entry or the answer may lie in a gap before.
WITH replacements AS (
    SELECT stays.channel_id, stays.bridge_id, stays.left_seq, max(ended.ended_seq) AS entered_seq,
        max(ended.ended_at) AS entered_at
    FROM int_bridge_stays AS stays
    JOIN int_channel_lives AS lives ON lives.channel_id = stays.channel_id
    JOIN int_bridge_stays AS others ON others.bridge_id = stays.bridge_id AND others.channel_id <> stays.channel_id
    JOIN int_channel_lives AS ended
        ON ended.channel_id = others.channel_id AND ended.ended_seq = others.left_seq
        AND ended.ended_seq BETWEEN lives.created_seq AND stays.left_seq
    WHERE stays.entered_seq IS NULL
    GROUP BY stays.channel_id, stays.bridge_id, stays.left_seq
),

placed AS (
    SELECT
        stays.* EXCLUDE (entered_at, entered_seq),
        COALESCE(stays.entered_at, replacements.entered_at) AS entered_at,
        COALESCE(stays.entered_seq, replacements.entered_seq) AS entered_seq
    FROM int_bridge_stays AS stays
    LEFT JOIN replacements
        ON replacements.channel_id = stays.channel_id AND replacements.bridge_id = stays.bridge_id
        AND replacements.left_seq = stays.left_seq AND stays.entered_seq IS NULL
),

-- The last moment that was not recorded before each leaving: a gap, or for a channel from before, the beginning.
unseen AS (
    SELECT
        placed.*,
        facts.first_state,
        lives.created_seq,
        lives.answered_at,
        lives.answered_seq,
        CASE WHEN lives.created_seq IS NULL OR lives.created_seq < gaps.seq THEN COALESCE(gaps.seq, -1) END AS unseen_seq
    FROM placed
    JOIN int_channel_facts AS facts USING (channel_id)
    LEFT JOIN int_channel_lives AS lives USING (channel_id)
    ASOF LEFT JOIN int_gaps AS gaps ON COALESCE(placed.left_seq, lives.last_seq) >= gaps.seq
    WHERE NOT placed.is_holding AND NOT facts.is_helper AND facts.is_answered
        AND COALESCE(lives.answered_seq < placed.left_seq, true)
),

judged AS (
    SELECT
        *,
        COALESCE(answered_seq > entered_seq, entered_seq IS NULL AND answered_seq > unseen_seq, false) AS is_answered_in,
        COALESCE(
            entered_seq < unseen_seq AND created_seq IS NOT NULL AND answered_seq IS NULL AND first_state <> 'Up', false
        ) AS is_answer_unseen
    FROM unseen
)

SELECT
    channel_id,
    bridge_id,
    CASE WHEN is_answered_in THEN answered_at WHEN NOT is_answer_unseen THEN entered_at END AS entered_at,
    CASE WHEN is_answered_in THEN answered_seq ELSE entered_seq END AS entered_seq,
    CASE
        WHEN is_answered_in THEN answered_seq
        WHEN is_answer_unseen OR entered_seq IS NULL THEN COALESCE(unseen_seq, left_seq)
        ELSE entered_seq
    END AS certain_seq,
    left_at,
    left_seq
FROM judged
