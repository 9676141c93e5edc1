-- One row is one pattern of DTMF digits: a run of one to four keys, or a whole sequence. Identified by `kind` and
-- `pattern`.
WITH following AS (
    SELECT
        channel_id, call_id,
        list(digit) OVER next_three AS keys,
        list(duration_ms) OVER next_three AS durations_ms,
        list(gap_ms) OVER next_three AS gaps_ms
    FROM digits
    WINDOW next_three AS (
        PARTITION BY channel_id, first_seq ORDER BY seq ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING
    )
),

lengthened AS (
    SELECT
        *,
        unnest(range(1, len(keys) + 1)) AS digit_count
    FROM following
),

counted_patterns AS (
    SELECT
        'run' AS kind,
        channel_id, call_id,
        array_to_string(keys[:digit_count], '') AS pattern,
        digit_count,
        list_avg(durations_ms[:digit_count]) AS duration_ms,
        list_avg(gaps_ms[2:digit_count]) AS gap_ms,
        NULL AS is_repeated,
        NULL AS is_corrected
    FROM lengthened
    UNION ALL
    SELECT
        'sequence', channel_id, call_id, digits, digit_count, list_avg(durations_ms), list_avg(gaps_ms), is_repeated,
        is_corrected
    FROM dtmf
)

SELECT
    kind,
    pattern,
    any_value(digit_count) AS digit_count,
    count(*) AS occurrence_count,
    count(*) / sum(count(*)) OVER (PARTITION BY kind, any_value(digit_count)) AS occurrence_ratio,
    -- An id that an app gives again is another channel in another call.
    count(DISTINCT (channel_id, call_id)) AS channel_count,
    median(duration_ms) AS median_duration_ms,
    min(duration_ms) AS shortest_duration_ms,
    max(duration_ms) AS longest_duration_ms,
    median(gap_ms) AS median_gap_ms,
    CASE WHEN kind = 'sequence' THEN count(*) FILTER (is_repeated) END AS repeated_count,
    CASE WHEN kind = 'sequence' THEN count(*) FILTER (is_corrected) END AS corrected_count
FROM counted_patterns
GROUP BY kind, pattern
