-- One row is one moment at which the number of calls changed, with how many there are from then on; with `by`, of each
-- group. Identified by `changed_at` and `group_value`.
SELECT
    changed_at,
    group_value,
    open_count,
    up_count
FROM kpi_curve(bucket, "by")
