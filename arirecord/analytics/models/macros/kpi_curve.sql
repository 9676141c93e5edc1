-- One row is one moment at which the number of calls of a group changed, or a bucket begins, with the number of calls
-- open and up from then on. In a gap both are NULL. Identified by `group_value` and `changed_at`.
WITH spans AS MATERIALIZED (
    SELECT * FROM kpi_spans(bucket, "by") WHERE started_at IS NOT NULL
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
    -- A span is cut into at most ten thousand buckets: a wrong clock must not exhaust the memory.
    SELECT DISTINCT
        group_value,
        unnest(bucket_starts(bucket, started_at, least(until_at, started_at + bucket * 10000))[2:]),
        0,
        0
    FROM spans
    WHERE bucket IS NOT NULL
    UNION ALL
    SELECT groups.group_value, unnest([recorded.end_at, recorded.next_begin_at]), 0, 0
    FROM (
        SELECT group_value, min(started_at) AS first_at, max(until_at) AS last_at
        FROM spans
        GROUP BY group_value
    ) AS groups
    JOIN int_recorded AS recorded
        ON recorded.end_at <= groups.last_at AND recorded.next_begin_at >= groups.first_at
),

steps AS (
    SELECT group_value, changed_at, sum(open_change) AS open_change, sum(up_change) AS up_change
    FROM changes
    GROUP BY group_value, changed_at
)

SELECT
    steps.group_value,
    steps.changed_at,
    lead(steps.changed_at) OVER curve AS next_at,
    (steps.changed_at >= recorded.end_at AND recorded.next_begin_at IS NOT NULL) IS NOT true AS is_recorded,
    CASE WHEN is_recorded THEN (sum(steps.open_change) OVER curve)::BIGINT END AS open_count,
    CASE WHEN is_recorded THEN (sum(steps.up_change) OVER curve)::BIGINT END AS up_count
FROM steps
ASOF LEFT JOIN int_recorded AS recorded ON steps.changed_at >= recorded.begin_at
WINDOW curve AS (PARTITION BY steps.group_value ORDER BY steps.changed_at)
