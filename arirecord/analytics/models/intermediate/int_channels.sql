-- One row is one channel that the recording names. Identified by `channel_id`.
-- `created_at` is the channel's own creation time where its creation was not recorded; `answered_at` is the first Up.
WITH gaps AS (
    SELECT list(seq) AS gap_seqs FROM stg_gaps
)

SELECT
    facts.channel_id,
    facts.channel_name,
    facts.technology,
    facts.asterisk_id,
    facts.caller_number,
    facts.last_caller_number,
    facts.caller_name,
    facts.connected_number,
    facts.last_connected_number,
    facts.last_connected_name,
    facts.exten,
    facts.last_exten,
    facts.context,
    facts.accountcode,
    facts.linkedid,
    COALESCE(lives.created_at, facts.channel_created_at) AS created_at,
    facts.first_state,
    lives.ringing_at,
    lives.answered_at,
    lives.ended_at,
    facts.hangup_cause,
    facts.hangup_cause_txt,
    facts.tech_cause,
    facts.first_seq,
    facts.last_seq,
    facts.is_answered,
    facts.is_helper,
    lives.ended_seq IS NOT NULL AS is_ended,
    lives.created_at IS NOT NULL
        AND lives.ended_seq IS NOT NULL
        AND NOT lives.is_reused
        AND NOT COALESCE(
            list_bool_or(list_transform(gap_seqs, lambda g: g BETWEEN facts.first_seq AND facts.last_seq)), false
        ) AS is_complete
FROM int_channel_facts AS facts
LEFT JOIN int_channel_lives AS lives USING (channel_id)
CROSS JOIN gaps
