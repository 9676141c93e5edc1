-- One row is one bucket of time and group of legs, with its key figures; without `bucket` and `by` there is one row,
-- for the whole recording. Identified by `bucket_at` and `group_value`.
WITH parts AS (
    FROM kpi_attempts(bucket, "by")
    UNION ALL BY NAME
    FROM kpi_traffic(bucket, "by")
    UNION ALL BY NAME
    FROM kpi_busy_hours(bucket, "by")
    UNION ALL BY NAME
    FROM kpi_queues(bucket, "by")
    UNION ALL BY NAME
    FROM kpi_handling(bucket, "by")
)

SELECT
    bucket_at,
    group_value,
    COALESCE(any_value(attempt_count), 0) AS attempt_count,
    COALESCE(any_value(seizure_count), 0) AS seizure_count,
    COALESCE(any_value(answered_count), 0) AS answered_count,
    COALESCE(any_value(open_count), 0) AS open_count,
    any_value(asr_ratio) AS asr_ratio,
    any_value(abr_ratio) AS abr_ratio,
    any_value(ner_ratio) AS ner_ratio,
    any_value(ccr_ratio) AS ccr_ratio,
    any_value(acd_s) AS acd_s,
    any_value(pdd_p50_s) AS pdd_p50_s,
    any_value(pdd_p95_s) AS pdd_p95_s,
    any_value(srd_p50_s) AS srd_p50_s,
    any_value(srd_p95_s) AS srd_p95_s,
    any_value(sdt_s) AS sdt_s,
    any_value(ser_ratio) AS ser_ratio,
    any_value(seer_ratio) AS seer_ratio,
    any_value(isa_ratio) AS isa_ratio,
    any_value(scr_ratio) AS scr_ratio,
    any_value(recorded_s) AS recorded_s,
    COALESCE(any_value(call_count), 0) AS call_count,
    any_value(cps) AS cps,
    any_value(cps_peak) AS cps_peak,
    any_value(concurrent_peak_count) AS concurrent_peak_count,
    any_value(erlangs) AS erlangs,
    any_value(busy_hour_at) AS busy_hour_at,
    any_value(busy_hour_erlangs) AS busy_hour_erlangs,
    COALESCE(any_value(queue_entry_count), 0) AS queue_entry_count,
    COALESCE(any_value(queue_answered_count), 0) AS queue_answered_count,
    COALESCE(any_value(queue_abandoned_count), 0) AS queue_abandoned_count,
    COALESCE(any_value(short_abandon_count), 0) AS short_abandon_count,
    any_value(service_level_1_ratio) AS service_level_1_ratio,
    any_value(service_level_2_ratio) AS service_level_2_ratio,
    any_value(abandon_ratio) AS abandon_ratio,
    any_value(asa_s) AS asa_s,
    any_value(aht_s) AS aht_s
FROM parts
GROUP BY bucket_at, group_value
ORDER BY bucket_at, group_value
