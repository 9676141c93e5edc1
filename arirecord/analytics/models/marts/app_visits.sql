-- One row is one stay of a channel in a Stasis application. Identified by `channel_id` and `first_seq`.
-- If the leaving was not recorded, the channel's end stands for it.
WITH neighbours AS (
    SELECT
        *,
        lag(is_entry) OVER steps_of_visit AS is_after_entry,
        CASE WHEN NOT lead(is_entry) OVER steps_of_visit THEN lead(event_at) OVER steps_of_visit END AS next_at,
        lead(seq) OVER steps_of_visit AS next_seq,
        lead(status) OVER steps_of_visit AS next_status
    FROM int_stasis_steps
    WINDOW steps_of_visit AS (
        PARTITION BY channel_id, CASE WHEN is_announced THEN application END ORDER BY seq
    )
),

visits AS (
    SELECT
        channel_id, application, args, replace_channel_id, is_announced,
        event_at AS entered_at, next_at AS left_at, next_status AS status, seq AS first_seq, next_seq AS left_seq
    FROM neighbours
    WHERE is_entry
    UNION ALL
    SELECT
        channel_id, application, CASE WHEN NOT is_announced THEN args END, NULL, is_announced,
        NULL, event_at, status, seq, seq
    FROM neighbours
    WHERE NOT is_entry AND NOT is_elsewhere AND is_after_entry IS NOT true
),

ended AS (
    SELECT
        visits.* EXCLUDE (left_at, left_seq),
        CASE WHEN visits.left_seq IS NULL THEN lives.ended_at ELSE visits.left_at END AS left_at,
        COALESCE(visits.left_seq, lives.ended_seq) AS last_seq
    FROM visits
    LEFT JOIN int_channel_lives AS lives
        ON lives.channel_id = visits.channel_id AND lives.ended_seq > visits.first_seq
)

SELECT
    ended.channel_id,
    calls.call_id,
    ended.application,
    ended.args,
    ended.entered_at,
    ended.left_at,
    CASE
        WHEN gaps.seq IS NULL OR gaps.seq < ended.first_seq
        THEN seconds_between(ended.entered_at, ended.left_at)
    END AS visit_s,
    ended.status,
    ended.replace_channel_id,
    ended.is_announced,
    ended.entered_at IS NOT NULL AND ended.left_at IS NOT NULL
        AND (gaps.seq IS NULL OR gaps.seq < ended.first_seq) AS is_complete,
    ended.first_seq,
    ended.last_seq
FROM ended
LEFT JOIN int_call_channels AS calls ON calls.channel_id = ended.channel_id
ASOF LEFT JOIN int_gaps AS gaps ON ended.last_seq >= gaps.seq
