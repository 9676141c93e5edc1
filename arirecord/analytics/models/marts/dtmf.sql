-- One row is one sequence of DTMF digits on a channel. Identified by `channel_id` and `first_seq`.
-- A silence of more than the parameter `dtmf_gap_ms` ends a sequence.
WITH gaps AS (
    SELECT
        *,
        epoch_ms(started_at) - epoch_ms(lag(ended_at) OVER digits_of_channel) AS gap_ms
    FROM int_digits
    WINDOW digits_of_channel AS (PARTITION BY channel_id ORDER BY seq)
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (gap_ms IS NULL OR gap_ms > param('dtmf_gap_ms')) OVER (
            PARTITION BY channel_id ORDER BY seq
        ) AS sequence
    FROM gaps
)

SELECT
    numbered.channel_id,
    any_value(calls.call_id) AS call_id,
    string_agg(digit, '' ORDER BY seq) AS digits,
    count(*) AS digit_count,
    min(started_at) AS started_at,
    max(ended_at) AS ended_at,
    list(gap_ms ORDER BY seq)[2:] AS gaps_ms,
    list(duration_ms ORDER BY seq) AS durations_ms,
    min(seq) AS first_seq
FROM numbered
LEFT JOIN int_call_channels AS calls USING (channel_id)
GROUP BY numbered.channel_id, sequence
