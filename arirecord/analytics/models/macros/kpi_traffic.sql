-- One row is one bucket and group, with the number of calls, the most at one time and per second, and their traffic.
-- Identified by `bucket_at` and `group_value`.
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
        count(*) AS call_count,
        count(*) FILTER (is_start_known) AS started_count
    FROM kpi_spans(bucket, "by")
    GROUP BY bucket_at, group_value, date_trunc('second', started_at)
),

starts AS (
    SELECT
        bucket_at,
        group_value,
        sum(call_count)::BIGINT AS call_count,
        sum(started_count)::BIGINT AS started_count,
        max(started_count) AS cps_peak
    FROM seconds
    GROUP BY bucket_at, group_value
),

-- A bucket without recorded time has no row here.
recorded AS (
    SELECT
        buckets.bucket_at,
        sum(
            epoch_us(least(spans.end_at, buckets.to_at)) - epoch_us(greatest(spans.begin_at, buckets.from_at))
        ) / 1000000 AS recorded_s
    FROM (
        SELECT DISTINCT
            bucket_at,
            COALESCE(bucket_at, TIMESTAMP '-infinity') AS from_at,
            COALESCE(bucket_end(bucket, bucket_at), TIMESTAMP 'infinity') AS to_at
        FROM curve
    ) AS buckets
    JOIN int_recorded AS spans ON spans.begin_at < buckets.to_at AND spans.end_at > buckets.from_at
    GROUP BY buckets.bucket_at
)

SELECT
    curve.bucket_at,
    curve.group_value,
    COALESCE(recorded.recorded_s, 0) AS recorded_s,
    COALESCE(starts.call_count, 0) AS call_count,
    COALESCE(starts.started_count, 0) / NULLIF(recorded.recorded_s, 0) AS cps,
    CASE WHEN recorded.recorded_s IS NOT NULL THEN COALESCE(starts.cps_peak, 0) END AS cps_peak,
    curve.concurrent_peak_count,
    curve.held_ms / 1000 / NULLIF(recorded.recorded_s, 0) AS erlangs
FROM curve
LEFT JOIN recorded ON recorded.bucket_at IS NOT DISTINCT FROM curve.bucket_at
LEFT JOIN starts
    ON starts.bucket_at IS NOT DISTINCT FROM curve.bucket_at
    AND starts.group_value IS NOT DISTINCT FROM curve.group_value
