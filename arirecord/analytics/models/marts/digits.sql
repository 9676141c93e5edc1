-- One row is one DTMF digit received from a channel, with the prompt before it. Identified by `channel_id` and `seq`.
-- A sequence ends with a silence longer than the parameter `dtmf_gap_ms` or, if `dtmf_sequences` is prompt, with
-- another prompt.
WITH marked AS (
    SELECT
        digits.*,
        -- A prompt whose time is not known is before the digits that are reported after it.
        CASE WHEN COALESCE(untimed.seq > timed.seq, untimed.seq IS NOT NULL) THEN untimed ELSE timed END AS mark
    FROM int_digits AS digits
    ASOF LEFT JOIN int_menu_marks AS timed
        ON timed.channel_id = digits.channel_id AND timed.event_at <= COALESCE(digits.started_at, digits.ended_at)
    ASOF LEFT JOIN (FROM int_menu_marks WHERE event_at IS NULL) AS untimed
        ON untimed.channel_id = digits.channel_id AND untimed.seq < digits.seq
),

placed AS (
    SELECT
        * EXCLUDE (mark),
        lag(ended_at) OVER digits_of_channel AS last_ended_at,
        -- Asterisk reports keys pressed before the answer all at once.
        epoch_ms(greatest(COALESCE(started_at, ended_at), last_ended_at)) - epoch_ms(last_ended_at) AS break_ms,
        CASE WHEN started_at IS NOT NULL THEN break_ms END AS gap_ms,
        mark.kind,
        mark.prompt,
        mark.seq AS prompt_seq,
        mark.event_at AS prompted_at,
        mark.prompt_ended_at
    FROM marked
    WINDOW digits_of_channel AS (PARTITION BY channel_id ORDER BY seq)
),

broken AS (
    SELECT
        *,
        break_ms IS NULL OR break_ms > param('dtmf_gap_ms')
            OR (
                param_text('dtmf_sequences') = 'prompt'
                AND lag(prompt_seq) OVER (PARTITION BY channel_id ORDER BY seq) IS DISTINCT FROM prompt_seq
            ) AS is_first
    FROM placed
)

SELECT
    broken.channel_id,
    calls.call_id,
    broken.digit,
    broken.started_at,
    broken.ended_at,
    broken.duration_ms,
    broken.gap_ms,
    broken.prompt,
    CASE WHEN broken.kind = 'prompt' THEN broken.prompted_at END AS prompted_at,
    broken.prompt_ended_at,
    -- The channel may have been connected before the recording began.
    CASE WHEN broken.kind IS NOT NULL OR lives.created_seq IS NOT NULL THEN COALESCE(broken.kind = 'connected', false) END
        AS is_connected,
    CASE WHEN broken.kind = 'prompt' THEN broken.prompt_seq END AS prompt_seq,
    max(CASE WHEN is_first THEN seq END) OVER (PARTITION BY channel_id ORDER BY seq) AS first_seq,
    broken.seq
FROM broken
LEFT JOIN int_call_channels AS calls USING (channel_id)
LEFT JOIN int_channel_lives AS lives USING (channel_id)
