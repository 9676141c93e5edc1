-- One row is one event type that one application got: how many, and how many bytes. Identified by `application` and
-- `type`.
-- Of more than half a million events the bytes are estimated from blocks spread evenly over the recording.
WITH size AS (
    SELECT greatest(count(*) // 250000, 1) AS every
    FROM events
),

counted AS (
    SELECT application, type, count(*) AS event_count
    FROM events
    GROUP BY ALL
),

weighed AS (
    SELECT application, type, avg(strlen(raw)) AS mean_bytes
    FROM events
    WHERE (seq // 20480) % (SELECT every FROM size) = 0
    GROUP BY ALL
),

ranked AS (
    SELECT
        counted.*,
        -- Without these an application does not learn of its channels and answers.
        counted.type NOT IN ('StasisStart', 'StasisEnd', 'RESTResponse') AS is_filterable,
        round(event_count * mean_bytes)::BIGINT AS byte_count,
        round(mean_bytes)::BIGINT AS mean_byte_count,
        row_number() OVER (
            PARTITION BY counted.application ORDER BY event_count * mean_bytes DESC NULLS LAST, counted.type
        ) AS place
    FROM counted
    LEFT JOIN weighed
        ON weighed.application IS NOT DISTINCT FROM counted.application
        AND weighed.type IS NOT DISTINCT FROM counted.type
)

SELECT
    application,
    type,
    place,
    event_count,
    event_count / sum(event_count) OVER of_application AS event_ratio,
    byte_count,
    byte_count / sum(byte_count) OVER of_application AS byte_ratio,
    mean_byte_count,
    COALESCE(sum(byte_count) FILTER (is_filterable) OVER down_to_here, 0) / sum(byte_count) OVER of_application
        AS saved_ratio,
    '{"disallowed":[' || string_agg('{"type":' || to_json(type) || '}', ',') FILTER (is_filterable) OVER down_to_here
        || ']}' AS event_filter,
    (SELECT every FROM size) > 1 AS is_estimated
FROM ranked
WINDOW
    of_application AS (PARTITION BY application),
    down_to_here AS (PARTITION BY application ORDER BY place ROWS UNBOUNDED PRECEDING)
