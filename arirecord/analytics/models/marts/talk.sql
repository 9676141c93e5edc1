-- One row is one channel that was in a conversation or had detected speech. Identified by `channel_id`.
-- `talk_s` is the time in which it was answered and in a bridge with another answered channel. Columns about speech
-- are NULL without talk detection; those about several parties also if talk detection did not cover them all.
WITH talked AS (
    SELECT
        stays.channel_id,
        sum(
            epoch_ms(least(stays.left_at, talks.ended_at)) - epoch_ms(greatest(stays.entered_at, talks.started_at))
        ) AS talk_ms,
        -- A stay without an end goes on: the conversation's own times limit it.
        bool_and(
            talks.started_at IS NOT NULL AND talks.ended_at IS NOT NULL
            AND (stays.left_at IS NOT NULL OR stays.left_seq IS NULL)
        ) AS is_known
    FROM int_talk_stays AS stays
    JOIN int_conversations AS talks
        ON talks.bridge_id = stays.bridge_id
        AND COALESCE(talks.first_seq < stays.left_seq, true)
        AND COALESCE(stays.entered_seq < talks.last_seq, true)
    GROUP BY stays.channel_id
),

spoken AS (
    SELECT
        channel_id,
        count(*) AS spoken_count,
        count(*) FILTER (spoken_ms IS NULL) AS unknown_count,
        CASE WHEN bool_and(spoken_ms IS NOT NULL) THEN sum(spoken_ms) END AS spoken_ms,
        max(spoken_ms) AS longest_ms,
        arg_max_null(is_cut_off, seq) AS is_cut_off
    FROM int_spoken
    GROUP BY channel_id
),

-- There may be more talk before and after the recording, and in a gap.
shares AS (
    SELECT shares.*
    FROM int_talk_shares AS shares
    JOIN int_channel_facts AS facts USING (channel_id)
    WHERE facts.is_tracked AND facts.is_over
)

SELECT
    channel_id,
    calls.call_id,
    CASE
        WHEN NOT (facts.is_tracked AND facts.is_over) THEN NULL
        WHEN talked.channel_id IS NULL THEN 0
        WHEN talked.is_known THEN talked.talk_ms / 1000
    END AS talk_s,
    CASE WHEN facts.is_tracked AND facts.is_over THEN spoken.spoken_ms / 1000 END AS spoken_s,
    CASE WHEN facts.is_tracked AND facts.is_over THEN spoken.longest_ms / 1000 END AS longest_spoken_s,
    spoken.spoken_count,
    spoken.unknown_count,
    shares.spoken_ms / NULLIF(shares.all_spoken_ms, 0) AS share_ratio,
    shares.crosstalk_ms / 1000 AS crosstalk_s,
    shares.silent_ms / 1000 AS silence_s,
    shares.longest_turn_ms / 1000 AS longest_monologue_s,
    shares.turn_count,
    spoken.is_cut_off,
    facts.first_seq
FROM talked
FULL JOIN spoken USING (channel_id)
LEFT JOIN shares USING (channel_id)
LEFT JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_call_channels AS calls USING (channel_id)
