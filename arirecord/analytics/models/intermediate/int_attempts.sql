-- One row is one outbound attempt: a channel that Asterisk dialled or an app originated. Identified by `channel_id`.
-- A Local channel is not an attempt; the dials of its other end are. Neither is a media leg. `begun_at` and
-- `ringing_at` are NULL if the recording may lack them. `is_rung`: ringing was recorded, even if its beginning is not
-- known.
WITH dials AS (
    SELECT
        peer_channel_id AS channel_id,
        min(event_at) FILTER (dial_status IS NULL AND forwarded_channel_id IS NULL) AS begun_at,
        bool_or(is_ringing_status(dial_status)) AS is_rung,
        min(event_at) FILTER (dial_status = 'ANSWER') AS answered_at,
        arg_max(dial_status, seq) FILTER (NOT is_progress_status(dial_status)) AS dial_status,
        arg_min(dialstring, seq) AS dialstring,
        bool_or(forward IS NOT NULL) AS is_forwarded
    FROM int_dials
    WHERE peer_channel_id IS NOT NULL
    GROUP BY peer_channel_id
),

rings AS (
    SELECT peer_channel_id AS channel_id, min(ringing_at) AS ringing_at
    FROM int_dial_attempts
    GROUP BY peer_channel_id
),

requests AS (
    SELECT channel_id, min(event_at) AS requested_at
    FROM int_hangup_requests
    GROUP BY channel_id
)

SELECT
    legs.channel_id,
    dials.begun_at,
    rings.ringing_at,
    COALESCE(dials.is_rung, false) OR facts.ringing_at IS NOT NULL AS is_rung,
    COALESCE(facts.answered_at, dials.answered_at) AS answered_at,
    requests.requested_at,
    facts.ended_at,
    dials.dial_status,
    -- `1234@carrier`: a number through an endpoint.
    NULLIF(regexp_extract(dials.dialstring, '^(?:sip:)?([+*#0-9]+)(?:@|$)', 1), '') AS dialled_number,
    facts.hangup_cause,
    facts.tech_cause,
    dials.is_forwarded OR COALESCE(facts.tech_cause BETWEEN 300 AND 399, false) AS is_forwarded,
    facts.is_answered OR COALESCE(dials.dial_status = 'ANSWER', false) AS is_answered,
    facts.is_answered OR facts.is_ended OR dials.dial_status IS NOT NULL AS is_settled
FROM dials
JOIN int_legs AS legs USING (channel_id)
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN rings USING (channel_id)
LEFT JOIN requests USING (channel_id)
WHERE legs.role NOT IN ('local', 'helper', 'media')
