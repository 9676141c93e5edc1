-- One row is one leg that is not a Local end, a helper or media, with the values that KPIs group by. Identified by
-- `channel_id`. Local ends represent a call that has no other legs.
WITH applications AS (
    SELECT calls.call_id, arg_min(shown.application, shown.seq) AS application
    FROM stg_applications AS shown
    JOIN int_call_channels AS calls USING (channel_id)
    GROUP BY calls.call_id
),

placed AS (
    SELECT
        legs.call_id,
        CASE WHEN legs.role IS DISTINCT FROM 'local' THEN legs.endpoint END AS endpoint,
        facts.*
    FROM int_legs AS legs
    JOIN int_channel_facts AS facts USING (channel_id)
    WHERE NOT facts.is_helper AND NOT facts.is_media AND (
        legs.role IS DISTINCT FROM 'local'
        OR legs.call_id IN (SELECT call_id FROM int_call_spans WHERE leg_count = 0)
    )
),

origins AS (
    SELECT call_id, arg_min_null(endpoint, first_seq) AS origin
    FROM placed
    GROUP BY call_id
)

SELECT
    legs.channel_id, legs.call_id, legs.first_seq, legs.last_seq, legs.endpoint,
    origins.origin,
    -- Not joined: DuckDB would load the wide rows of all legs into memory for it.
    COALESCE(
        attempts.dialled_number,
        (SELECT dialled_exten FROM int_call_parties AS parties WHERE parties.call_id = legs.call_id)
    ) AS destination,
    (SELECT application FROM applications WHERE applications.call_id = legs.call_id) AS application,
    legs.created_at,
    legs.is_answered AS is_leg_answered,
    COALESCE(legs.answered_at, legs.created_at) AS up_at,
    COALESCE(
        legs.ended_at,
        legs.gone_at,
        CASE WHEN legs.is_only_dialled THEN legs.last_at END,
        -- The time of its end is not known.
        CASE WHEN legs.is_over THEN greatest(legs.created_at, legs.ringing_at, legs.answered_at) END,
        -- Asterisk gives no id to a second channel before the first one has ended.
        lead(legs.created_at) OVER (PARTITION BY plain_id(legs.channel_id) ORDER BY legs.first_seq)
    ) AS gone_at,
    legs.is_only_dialled,
    legs.is_over,
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
LEFT JOIN int_attempts AS attempts ON attempts.channel_id = legs.channel_id
