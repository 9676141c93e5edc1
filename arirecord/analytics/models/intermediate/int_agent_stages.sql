-- One row is one stage of a voice agent's answer, as its app posted it in a user event `AgentStage` (identified by
-- `seq`), or as a span of an OpenTelemetry file (by `trace_id` and `span_id`). Its times are the app's. Without them the
-- event's own time is the end.
WITH posted AS (
    SELECT min(seq) AS seq, event_at, channel_id, TRY_CAST(userevent AS JSON) AS fields
    FROM stg_user_events
    WHERE regexp_replace(lower(eventname), '[^a-z]', '', 'g') = 'agentstage' AND channel_id IS NOT NULL
    GROUP BY event_at, channel_id, userevent
),

reported AS (
    SELECT
        seq, event_at, channel_id,
        lower(fields ->> 'stage') AS stage,
        time_of(fields ->> 'started_at') AS given_start_at,
        time_of(fields ->> 'ended_at') AS given_end_at,
        COALESCE(
            TRY_CAST(fields ->> 'duration_s' AS DOUBLE), TRY_CAST(fields ->> 'duration_ms' AS DOUBLE) / 1000
        ) AS given_s,
        COALESCE(
            TRY_CAST(fields ->> 'first_s' AS DOUBLE), TRY_CAST(fields ->> 'first_ms' AS DOUBLE) / 1000,
            TRY_CAST(fields ->> 'ttfb_ms' AS DOUBLE) / 1000, TRY_CAST(fields ->> 'ttft_ms' AS DOUBLE) / 1000
        ) AS first_s
    FROM posted
),

timed AS (
    SELECT
        *,
        -- A stage of more than an hour is a wrong unit.
        CASE WHEN given_s BETWEEN 0 AND 3600 THEN to_microseconds((given_s * 1000000)::BIGINT) END AS given_length,
        COALESCE(given_end_at, given_start_at + given_length, event_at) AS ended_at,
        COALESCE(given_start_at, ended_at - given_length) AS started_at
    FROM reported
    WHERE stage IS NOT NULL
),

-- Of two channels with one id, it is the one that existed at that time.
traced AS (
    SELECT
        spans.* EXCLUDE (channel_id),
        COALESCE(
            arg_max(lives.channel_id, lives.created_at) FILTER (lives.created_at <= spans.ended_at),
            any_value(lives.channel_id)
        ) AS channel_id
    FROM stg_agent_spans AS spans
    JOIN int_channel_lives AS lives ON plain_id(lives.channel_id) = spans.channel_id
    GROUP BY ALL
),

stages AS (
    SELECT seq, channel_id, stage, started_at, ended_at, first_s FROM timed
    UNION ALL BY NAME
    FROM traced
)

SELECT
    stages.* REPLACE (CASE WHEN stages.first_s BETWEEN 0 AND 3600 THEN stages.first_s END AS first_s), calls.call_id
FROM stages
LEFT JOIN int_call_channels AS calls USING (channel_id)
