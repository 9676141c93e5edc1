-- One row is one bucket and group with the busiest of the hours that begin in it. Identified by `bucket_at` and
-- `group_value`. The hour with the most traffic begins when a call is answered, or ends when one ends. An hour that
-- would begin in a gap begins after it.
WITH curve AS MATERIALIZED (
    SELECT
        COALESCE(group_value, '') AS group_key,
        epoch_ms(changed_at) AS changed_ms,
        COALESCE(up_count, 0) AS up_count,
        COALESCE(
            sum(up_count * (epoch_ms(next_at) - epoch_ms(changed_at))) OVER (
                PARTITION BY group_value ORDER BY changed_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0
        ) AS held_ms
    FROM kpi_curve(NULL::INTERVAL, "by")
),

spans AS MATERIALIZED (
    SELECT COALESCE(group_value, '') AS group_key, epoch_ms(up_at) AS up_ms, epoch_ms(until_at) AS until_ms
    FROM kpi_spans(NULL::INTERVAL, "by")
    WHERE up_at IS NOT NULL
),

wanted AS (
    SELECT DISTINCT group_key, up_ms AS begin_ms FROM spans
    UNION
    SELECT spans.group_key, greatest(spans.until_ms - 3600000, firsts.first_ms)
    FROM spans
    JOIN (SELECT group_key, min(changed_ms) AS first_ms FROM curve GROUP BY group_key) AS firsts USING (group_key)
),

hours AS (
    SELECT DISTINCT
        wanted.group_key,
        CASE
            WHEN wanted.begin_ms >= epoch_ms(recorded.end_at) AND recorded.next_begin_at IS NOT NULL
            THEN epoch_ms(recorded.next_begin_at + INTERVAL 999 MICROSECONDS)
            ELSE wanted.begin_ms
        END AS begin_ms
    FROM wanted
    ASOF LEFT JOIN int_recorded AS recorded ON make_timestamp_ms(wanted.begin_ms) >= recorded.begin_at
),

carried AS (
    SELECT
        hours.group_key,
        hours.begin_ms,
        ends.held_ms + ends.up_count * (hours.begin_ms + 3600000 - ends.changed_ms)
            - begins.held_ms - begins.up_count * (hours.begin_ms - begins.changed_ms) AS carried_ms
    FROM hours
    ASOF JOIN curve AS begins ON begins.group_key = hours.group_key AND begins.changed_ms <= hours.begin_ms
    ASOF JOIN curve AS ends ON ends.group_key = hours.group_key AND ends.changed_ms <= hours.begin_ms + 3600000
)

SELECT
    bucket_start(bucket, make_timestamp_ms(begin_ms)) AS bucket_at,
    NULLIF(group_key, '') AS group_value,
    make_timestamp_ms(arg_min(begin_ms, (-carried_ms, begin_ms))) AS busy_hour_at,
    max(carried_ms) / 3600000 AS busy_hour_erlangs
FROM carried
GROUP BY bucket_at, group_value
