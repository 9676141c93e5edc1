-- One row is one sequence of DTMF digits on a channel. Identified by `channel_id` and `first_seq`.
-- A sequence ends with a silence longer than the parameter `dtmf_gap_ms` or, if `dtmf_sequences` is prompt, with
-- another prompt.
WITH sequences AS (
    SELECT
        channel_id,
        first_seq,
        any_value(call_id) AS call_id,
        string_agg(digit, '' ORDER BY seq) AS digits,
        count(*) AS digit_count,
        CASE WHEN arg_min_null(started_at, seq) IS NOT NULL THEN min(started_at) END AS started_at,
        max(ended_at) AS ended_at,
        list(gap_ms ORDER BY seq)[2:] AS gaps_ms,
        list(duration_ms ORDER BY seq) AS durations_ms,
        arg_min(prompt, seq) AS prompt,
        min(started_at) FILTER (seq = first_seq) - min(prompted_at) FILTER (seq = first_seq) AS response,
        bool_or(started_at < prompt_ended_at) FILTER (seq = first_seq) AS is_barge_in,
        bool_or(is_connected) FILTER (seq = first_seq) AS is_connected,
        max(seq) AS last_seq
    FROM digits
    GROUP BY channel_id, first_seq
),

compared AS (
    SELECT
        *,
        lag(digits) OVER sequences_of_channel AS digits_before,
        lag(prompt) OVER sequences_of_channel = prompt AND NOT is_connected AS is_same_prompt
    FROM sequences
    WINDOW sequences_of_channel AS (PARTITION BY channel_id ORDER BY first_seq)
),

set_after AS (
    SELECT
        collections.channel_id,
        sequences.first_seq,
        arg_max(collections.variable, len(collections.value)) FILTER (
            collections.variable <> 'READSTATUS'
            AND (collections.value = sequences.digits OR starts_with(sequences.digits, collections.value || '#'))
        ) AS variable,
        -- The status of a Read() that began amid the sequence is not that of the digits before.
        arg_max_null(
            CASE WHEN COALESCE(sequences.first_seq > collections.read_seq, true) THEN collections.value END,
            collections.seq
        ) FILTER (
            collections.variable = 'READSTATUS' AND COALESCE(sequences.last_seq > collections.read_seq, true)
        ) AS read_status
    FROM int_collections AS collections
    ASOF JOIN sequences ON sequences.channel_id = collections.channel_id AND sequences.first_seq <= collections.seq
    GROUP BY collections.channel_id, sequences.first_seq
)

SELECT
    compared.channel_id,
    compared.call_id,
    compared.digits,
    compared.digit_count,
    compared.started_at,
    compared.ended_at,
    compared.gaps_ms,
    compared.durations_ms,
    compared.prompt,
    epoch_ms(compared.response) / 1000 AS response_s,
    compared.is_barge_in,
    compared.is_connected,
    compared.digits_before IS NOT NULL AND compared.digits_before = compared.digits AND is_same_prompt AS is_repeated,
    compared.digits_before IS NOT NULL AND compared.digits_before <> compared.digits AND is_same_prompt AS is_corrected,
    CASE
        WHEN set_after.read_status <> 'OK' THEN lower(set_after.read_status)
        WHEN COALESCE(set_after.variable, set_after.read_status) IS NOT NULL THEN 'collected'
        WHEN marks.kind = 'hung_up' AND NOT compared.is_connected THEN 'hangup'
    END AS outcome,
    set_after.variable AS collected_in,
    compared.first_seq
FROM compared
LEFT JOIN set_after USING (channel_id, first_seq)
ASOF LEFT JOIN int_menu_marks AS marks ON marks.channel_id = compared.channel_id AND marks.seq > compared.last_seq
