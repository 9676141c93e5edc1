-- One row is one call, limited to its legs in one group. Identified by `server`, `call_id` and `group_value`.
SELECT
    server,
    call_id,
    group_value,
    min(started_at) AS started_at,
    min(up_at) AS up_at,
    max(until_at) AS until_at,
    bool_and(is_start_known) AS is_start_known
FROM kpi_legs(bucket, "by")
GROUP BY server, call_id, group_value
