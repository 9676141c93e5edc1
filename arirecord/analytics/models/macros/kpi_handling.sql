-- One row is one bucket and group, with the handling time of the calls that began in it. Identified by `bucket_at` and
-- `group_value`. Time with a media leg alone, as that of a voice agent, is not handling time.
WITH handled AS (
    SELECT
        bucket_start(bucket, spans.started_at) AS bucket_at,
        spans.group_value,
        CASE WHEN people.call_id IS NULL THEN calls.talk_s * 1000 ELSE least(people.talk_ms, calls.talk_s * 1000) END
            AS talk_ms
    FROM kpi_spans(bucket, "by") AS spans
    JOIN calls ON calls.call_id = spans.call_id AND calls.server IS NOT DISTINCT FROM spans.server
    LEFT JOIN int_people_talk AS people
        ON people.call_id = calls.call_id AND people.server IS NOT DISTINCT FROM calls.server
    WHERE calls.talk_s > 0
)

SELECT bucket_at, group_value, avg(talk_ms::BIGINT) / 1000 AS aht_s
FROM handled
WHERE talk_ms > 0
GROUP BY ALL
