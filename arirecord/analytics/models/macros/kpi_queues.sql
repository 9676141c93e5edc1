-- One row is one bucket and group, with the outcomes of the callers who entered a queue in it. Identified by
-- `bucket_at` and `group_value`. Parking is not a queue. A refused join is not an entry.
WITH waits AS (
    SELECT
        bucket_start(bucket, queue_calls.entered_at) AS bucket_at,
        CASE WHEN "by" = 'server' THEN queue_calls.server ELSE legs.group_value END AS group_value,
        queue_calls.outcome = 'answered' AS is_answered,
        queue_calls.outcome = 'abandoned' AS is_abandoned,
        (queue_calls.wait_s * 1000)::BIGINT AS wait_ms,
        queue_calls.wait_s <= param('service_level_s') AS is_in_time,
        queue_calls.outcome = 'abandoned' AND queue_calls.wait_s < param('short_abandon_s') AS is_short
    FROM queue_calls
    LEFT JOIN kpi_legs(bucket, "by") AS legs
        ON legs.channel_id = queue_calls.channel_id AND legs.server IS NOT DISTINCT FROM queue_calls.server
        AND queue_calls.seq BETWEEN legs.first_seq AND legs.last_seq
    WHERE
        queue_calls.entered_at IS NOT NULL AND queue_calls.kind <> 'parking'
        AND queue_calls.kind GLOB param_text('queue_kind')
        AND is_refused_join(queue_calls.outcome) IS NOT true
)

SELECT
    bucket_at,
    group_value,
    count(*) AS queue_entry_count,
    count(*) FILTER (is_answered) AS queue_answered_count,
    count(*) FILTER (is_abandoned) AS queue_abandoned_count,
    count(*) FILTER (is_short) AS short_abandon_count,
    count(*) FILTER (is_answered AND is_in_time) / NULLIF(count(*) FILTER (is_answered), 0) AS service_level_1_ratio,
    count(*) FILTER ((is_answered OR is_abandoned) AND is_in_time)
        / NULLIF(count(*) FILTER (is_answered OR is_abandoned), 0) AS service_level_2_ratio,
    count(*) FILTER (is_abandoned AND NOT is_short)
        / NULLIF(count(*) FILTER (is_answered IS NOT NULL AND NOT is_short), 0) AS abandon_ratio,
    avg(wait_ms) FILTER (is_answered) / 1000 AS asa_s
FROM waits
GROUP BY bucket_at, group_value
