-- One row is one bucket and group, with the handling time of the calls that began in it. Identified by `bucket_at` and
-- `group_value`.
SELECT
    bucket_start(bucket, spans.started_at) AS bucket_at,
    spans.group_value,
    avg((calls.talk_s * 1000)::BIGINT) / 1000 AS aht_s
FROM kpi_spans(bucket, "by") AS spans
JOIN calls ON calls.call_id = spans.call_id AND calls.server IS NOT DISTINCT FROM spans.server
WHERE calls.talk_s > 0
GROUP BY ALL
