-- One row is one bucket and group, with the measures of the outbound attempts that began in it. Identified by
-- `bucket_at` and `group_value`. Ratios are over attempts whose outcome was recorded.
WITH attempts AS (
    SELECT
        *,
        bucket_start(bucket, begun_at) AS bucket_at,
        is_settled AND NOT (dial_status = 'CHANUNAVAIL' AND tech_cause IS NULL AND NOT is_answered) IS true AS is_seized,
        is_settled AND NOT is_forwarded AS is_session,
        ms_between(begun_at, ringing_at) AS pdd_ms,
        ms_between(answered_at, COALESCE(requested_at, ended_at)) AS sdt_ms,
        ms_between(answered_at, ended_at) AS up_ms
    FROM kpi_legs(bucket, "by")
    WHERE begun_at IS NOT NULL
),

judged AS (
    SELECT
        *,
        CASE
            WHEN pdd_ms IS NOT NULL THEN pdd_ms
            WHEN NOT is_answered AND dial_status <> 'CANCEL' THEN ms_between(begun_at, ended_at)
        END AS srd_ms,
        is_answered OR hangup_cause IN (16, 17, 18, 19, 21) OR dial_status = 'BUSY'
            OR (is_rung AND (COALESCE(dial_status IN ('NOANSWER', 'CANCEL'), true) OR tech_cause = 487)) AS is_delivered,
        is_answered AND hangup_cause = 16 AS is_completed,
        CASE
            WHEN is_answered THEN true
            WHEN tech_cause IS NOT NULL THEN tech_cause IN (480, 486, 600, 603)
            ELSE hangup_cause IN (17, 18, 19, 21)
        END AS is_effective,
        COALESCE(tech_cause IN (408, 500, 503, 504), false) AS is_ineffective
    FROM attempts
)

SELECT
    bucket_at,
    group_value,
    count(*) AS attempt_count,
    count(*) FILTER (is_seized) AS seizure_count,
    count(*) FILTER (is_answered) AS answered_count,
    count(*) FILTER (NOT is_settled) AS open_count,
    count(*) FILTER (is_answered) / NULLIF(count(*) FILTER (is_seized), 0) AS asr_ratio,
    count(*) FILTER (is_answered) / NULLIF(count(*) FILTER (is_settled), 0) AS abr_ratio,
    count(*) FILTER (is_seized AND is_delivered) / NULLIF(count(*) FILTER (is_seized), 0) AS ner_ratio,
    count(*) FILTER (is_completed) / NULLIF(count(*) FILTER (is_settled AND ended_at IS NOT NULL), 0) AS ccr_ratio,
    avg(up_ms) FILTER (is_answered) / 1000 AS acd_s,
    round(quantile_cont(pdd_ms, 0.5), 3) / 1000 AS pdd_p50_s,
    round(quantile_cont(pdd_ms, 0.95), 3) / 1000 AS pdd_p95_s,
    round(quantile_cont(srd_ms, 0.5), 3) / 1000 AS srd_p50_s,
    round(quantile_cont(srd_ms, 0.95), 3) / 1000 AS srd_p95_s,
    avg(sdt_ms) FILTER (is_answered) / 1000 AS sdt_s,
    count(*) FILTER (is_session AND is_answered) / NULLIF(count(*) FILTER (is_session), 0) AS ser_ratio,
    count(*) FILTER (is_session AND is_effective) / NULLIF(count(*) FILTER (is_session), 0) AS seer_ratio,
    count(*) FILTER (is_settled AND is_ineffective) / NULLIF(count(*) FILTER (is_settled), 0) AS isa_ratio,
    count(*) FILTER (is_completed) / NULLIF(count(*) FILTER (is_settled AND ended_at IS NOT NULL), 0) AS scr_ratio
FROM judged
GROUP BY bucket_at, group_value
