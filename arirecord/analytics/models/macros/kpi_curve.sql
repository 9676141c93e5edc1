-- One row is one moment at which the number of calls of a group changed, or a bucket begins, with how many calls are
-- open and up from then on. Identified by `group_value` and `changed_at`.
WITH spans AS MATERIALIZED (
    SELECT * FROM kpi_spans(bucket, "by")
),

changes AS (
    SELECT group_value, started_at AS changed_at, 1 AS open_change, 0 AS up_change FROM spans
    UNION ALL
    SELECT group_value, until_at, -1, 0 FROM spans
    UNION ALL
    SELECT group_value, up_at, 0, 1 FROM spans WHERE up_at IS NOT NULL
    UNION ALL
    SELECT group_value, until_at, 0, -1 FROM spans WHERE up_at IS NOT NULL
    UNION ALL
    -- No span is cut into more than ten thousand buckets: a wrong clock must not fill the memory.
    SELECT DISTINCT
        group_value,
        unnest(bucket_starts(bucket, started_at, least(until_at, started_at + bucket * 10000))[2:]),
        0,
        0
    FROM spans
    WHERE bucket IS NOT NULL
),

steps AS (
    SELECT group_value, changed_at, sum(open_change) AS open_change, sum(up_change) AS up_change
    FROM changes
    GROUP BY group_value, changed_at
)

SELECT
    group_value,
    changed_at,
    lead(changed_at) OVER curve AS next_at,
    (sum(open_change) OVER curve)::BIGINT AS open_count,
    (sum(up_change) OVER curve)::BIGINT AS up_count
FROM steps
WINDOW curve AS (PARTITION BY group_value ORDER BY changed_at)
