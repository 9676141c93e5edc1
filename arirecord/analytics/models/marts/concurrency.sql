-- One row is one moment at which the number of calls changed, with the number from then on; with `by`, of each group.
-- With `bucket` one row is one bucket of recorded time, with the most and the mean number of calls in it. Identified
-- by `changed_at` and `group_value`.
WITH curve AS MATERIALIZED (
    SELECT
        *,
        epoch_us(next_at) - epoch_us(changed_at) AS length_us
    FROM kpi_curve(bucket, "by")
),

in_buckets AS (
    SELECT
        bucket_start(bucket, changed_at) AS bucket_at,
        group_value,
        max(open_count) AS open_count,
        max(up_count) AS up_count,
        sum(open_count * length_us) AS open_us,
        sum(up_count * length_us) AS up_us
    FROM curve
    WHERE bucket IS NOT NULL
    GROUP BY ALL
),

recorded AS (
    SELECT
        bucket_at,
        sum(epoch_us(least(end_at, bucket_end(bucket, bucket_at))) - epoch_us(greatest(begin_at, bucket_at)))
            AS recorded_us
    FROM (
        -- As in kpi_curve: a wrong clock must not exhaust the memory.
        SELECT
            begin_at,
            end_at,
            unnest(bucket_starts(bucket, begin_at, least(end_at, begin_at + bucket * 10000))) AS bucket_at
        FROM int_recorded
        WHERE bucket IS NOT NULL
    )
    GROUP BY bucket_at
),

groups AS (
    SELECT DISTINCT group_value
    FROM curve
)

SELECT
    changed_at,
    group_value,
    open_count,
    up_count,
    open_count::DOUBLE AS open_mean,
    up_count::DOUBLE AS up_mean
FROM curve
WHERE bucket IS NULL
UNION ALL
SELECT
    recorded.bucket_at,
    groups.group_value,
    COALESCE(in_buckets.open_count, 0),
    COALESCE(in_buckets.up_count, 0),
    COALESCE(in_buckets.open_us, 0) / recorded.recorded_us,
    COALESCE(in_buckets.up_us, 0) / recorded.recorded_us
FROM recorded
CROSS JOIN groups
LEFT JOIN in_buckets
    ON in_buckets.bucket_at = recorded.bucket_at
    AND in_buckets.group_value IS NOT DISTINCT FROM groups.group_value
ORDER BY changed_at, group_value
