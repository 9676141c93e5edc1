-- One row is one leg that is no Local end and no helper, with what KPIs group by. Identified by `channel_id`.
-- `until_at` is its end; of a leg without one, how long it is known to have been there: until the connection was lost,
-- or the recording ended.
WITH span AS (
    SELECT min(event_at) AS first_at, max(event_at) AS last_at
    FROM stg_channel_events
),

applications AS (
    SELECT calls.call_id, arg_min(shown.application, shown.seq) AS application
    FROM stg_applications AS shown
    JOIN int_call_channels AS calls USING (channel_id)
    GROUP BY calls.call_id
),

placed AS (
    SELECT
        legs.call_id,
        legs.endpoint,
        facts.*
    FROM int_legs AS legs
    JOIN int_channel_facts AS facts USING (channel_id)
    WHERE legs.role IS NULL OR legs.role NOT IN ('local', 'helper')
),

origins AS (
    SELECT call_id, arg_min_null(endpoint, first_seq) AS origin
    FROM placed
    GROUP BY call_id
)

SELECT
    legs.channel_id,
    legs.call_id,
    legs.endpoint,
    origins.origin,
    -- Not joined: DuckDB would put the wide rows of all legs into memory for it.
    COALESCE(
        attempts.dialled_number,
        (SELECT dialled_exten FROM int_call_parties AS parties WHERE parties.call_id = legs.call_id)
    ) AS destination,
    (SELECT application FROM applications WHERE applications.call_id = legs.call_id) AS application,
    greatest(legs.created_at, span.first_at) AS started_at,
    CASE WHEN legs.is_answered THEN greatest(COALESCE(legs.answered_at, legs.created_at), span.first_at) END AS up_at,
    COALESCE(legs.ended_at, greatest(least(gaps.received_at, span.last_at), legs.created_at)) AS until_at,
    legs.created_at >= span.first_at AS is_start_known,
    attempts.begun_at,
    attempts.ringing_at,
    attempts.is_rung,
    attempts.answered_at,
    attempts.requested_at,
    attempts.ended_at,
    attempts.dial_status,
    attempts.hangup_cause,
    attempts.tech_cause,
    attempts.is_forwarded,
    attempts.is_answered,
    attempts.is_settled
FROM placed AS legs
JOIN origins ON origins.call_id = legs.call_id
CROSS JOIN span
ASOF LEFT JOIN stg_gaps AS gaps ON gaps.seq > legs.last_seq
LEFT JOIN int_attempts AS attempts ON attempts.channel_id = legs.channel_id
