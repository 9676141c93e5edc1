-- One row is one bucket and group, with how many calls there were, at once and a second, and the traffic that they
-- carried. Identified by `bucket_at` and `group_value`.
WITH curve AS (
    SELECT
        bucket_start(bucket, changed_at) AS bucket_at,
        group_value,
        max(open_count) AS concurrent_peak_count,
        COALESCE(sum(up_count * (epoch_ms(next_at) - epoch_ms(changed_at))), 0) AS held_ms
    FROM kpi_curve(bucket, "by")
    GROUP BY bucket_at, group_value
),

seconds AS (
    SELECT
        bucket_start(bucket, started_at) AS bucket_at,
        group_value,
        count(*) AS started_count
    FROM kpi_spans(bucket, "by")
    WHERE is_start_known
    GROUP BY bucket_at, group_value, date_trunc('second', started_at)
),

starts AS (
    SELECT bucket_at, group_value, sum(started_count)::BIGINT AS call_count, max(started_count) AS cps_peak
    FROM seconds
    GROUP BY bucket_at, group_value
),

span AS (
    SELECT min(started_at) AS first_at, max(until_at) AS last_at
    FROM int_kpi_legs
),

timed AS (
    SELECT
        curve.*,
        (
            epoch_ms(least(bucket_end(bucket, bucket_at), span.last_at)) - epoch_ms(greatest(bucket_at, span.first_at))
        ) / 1000 AS length_s
    FROM curve
    CROSS JOIN span
)

SELECT
    timed.bucket_at,
    timed.group_value,
    COALESCE(starts.call_count, 0) AS call_count,
    COALESCE(starts.call_count, 0) / NULLIF(timed.length_s, 0) AS cps,
    COALESCE(starts.cps_peak, 0) AS cps_peak,
    timed.concurrent_peak_count,
    timed.held_ms / 1000 / NULLIF(timed.length_s, 0) AS erlangs
FROM timed
LEFT JOIN starts
    ON starts.bucket_at IS NOT DISTINCT FROM timed.bucket_at
    AND starts.group_value IS NOT DISTINCT FROM timed.group_value
