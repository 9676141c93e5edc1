-- One row is one interval in which a device was in one state. Identified by `first_seq`.
WITH changes AS (
    -- Changes that were found day by day can repeat the state of the day before.
    SELECT asterisk_id, device, state, event_at, seq
    FROM int_device_changes
    QUALIFY lag(state) OVER (PARTITION BY asterisk_id, device ORDER BY seq) IS DISTINCT FROM state
),

stretches AS (
    SELECT
        *,
        lead(event_at) OVER changes_of_device AS next_at,
        lead(seq) OVER changes_of_device AS next_seq
    FROM changes
    WINDOW changes_of_device AS (PARTITION BY asterisk_id, device ORDER BY seq)
),

judged AS (
    SELECT
        stretches.*,
        stretches.next_seq IS NOT NULL AND (gaps.seq IS NULL OR gaps.seq < stretches.seq) AS is_complete
    FROM stretches
    ASOF LEFT JOIN int_gaps AS gaps ON stretches.next_seq >= gaps.seq
)

SELECT
    asterisk_id,
    device,
    state,
    event_at AS started_at,
    CASE WHEN is_complete THEN next_at END AS ended_at,
    CASE WHEN is_complete THEN seconds_between(event_at, next_at) END AS duration_s,
    is_complete,
    seq AS first_seq,
    next_seq AS last_seq
FROM judged
