-- One row is one event type that one application received, with the number of events and bytes. Identified by
-- `application` and `type`.
-- A session's header has the bytes of each type, but not of each application. For several applications and more than
-- half a million events, bytes are estimated from blocks spread evenly over the recording.
WITH ranked AS (
    SELECT
        *,
        -- Without these an application does not learn of its channels and responses.
        type NOT IN ('StasisStart', 'StasisEnd', 'RESTResponse') AS is_filterable,
        round(event_count * mean_bytes)::BIGINT AS byte_count,
        round(mean_bytes)::BIGINT AS mean_byte_count,
        row_number() OVER (
            PARTITION BY application ORDER BY event_count * mean_bytes DESC NULLS LAST, type
        ) AS place
    FROM int_event_sizes
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
    '{"disallowed":[' || string_agg('{"type":' || to_json(type) || '}', ',') FILTER (
        is_filterable AND place <= 1000
    ) OVER down_to_here_of_largest || ']}' AS event_filter,
    is_estimated
FROM ranked
WINDOW
    of_application AS (PARTITION BY application),
    down_to_here AS (PARTITION BY application ORDER BY place ROWS UNBOUNDED PRECEDING),
    -- Each filter has the types of all filters before it: without a limit a stream of made-up types fills the memory.
    down_to_here_of_largest AS (
        PARTITION BY application, place <= 1000 ORDER BY place ROWS UNBOUNDED PRECEDING
    )
