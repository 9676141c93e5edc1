-- One row is one request to hang a channel up in the last stage of its call. Identified by `seq`.
-- The last stage begins when a channel joins a conversation or is dialled for the last time. `is_before_step`: a party
-- went on in the dialplan after the request. In an answered call only channels that took part count.
WITH asked AS (
    SELECT channel_id, min(seq) AS seq
    FROM int_hangup_requests
    GROUP BY channel_id
),

parts AS (
    SELECT call_id, channel_id, bridge_id AS stage_id, entered_seq AS seq
    FROM int_talk_parts
    UNION ALL
    SELECT legs.call_id, legs.channel_id, legs.channel_id, attempts.seq
    FROM int_dial_attempts AS attempts
    JOIN int_legs AS legs ON legs.channel_id = attempts.peer_channel_id
),

stages AS (
    SELECT call_id, max(seq) AS seq, arg_max(stage_id, seq) AS stage_id
    FROM parts
    GROUP BY call_id
),

steps AS (
    SELECT legs.call_id, max(steps.seq) AS seq
    FROM int_dialplan_steps AS steps
    JOIN int_legs AS legs USING (channel_id)
    LEFT JOIN asked USING (channel_id)
    WHERE COALESCE(steps.seq < asked.seq, true)
    GROUP BY legs.call_id
),

requests AS (
    SELECT
        legs.call_id, legs.channel_id, asked.seq, asked.event_at,
        -- An incoming channel that picked the call up is the called party.
        CASE WHEN legs.is_first IS NOT true AND NOT dialled.is_caller THEN 'called' ELSE legs.role END AS role,
        -- An incoming channel that was refused (by Busy() and the like) sent no request itself; one that cancelled
        -- (487) did. Without a SIP status, busy (17) and congested (34) are refused. A channel that was made and never
        -- dialled has no far end.
        asked.is_soft
            OR (
                NOT facts.is_answered AND legs.role = 'caller'
                AND COALESCE(asked.tech_cause <> 487, asked.hangup_cause IN (17, 34) AND NOT parties.has_called, false)
            )
            OR (
                NOT facts.is_answered AND legs.role = 'called'
                AND facts.ringing_at IS NULL AND dialled.channel_id IS NULL
            )
            AS is_soft,
        legs.is_first AND legs.role = 'caller' AND NOT facts.is_answered AS is_unanswered_caller
    FROM int_hangup_requests AS asked
    JOIN int_legs AS legs USING (channel_id)
    JOIN int_channel_facts AS facts USING (channel_id)
    LEFT JOIN int_dialled AS dialled USING (channel_id)
    LEFT JOIN int_call_parties AS parties ON parties.call_id = legs.call_id
    WHERE legs.role IS DISTINCT FROM 'local'
        AND (facts.is_answered OR (parties.is_answered AND parties.first_role IS DISTINCT FROM 'local') IS NOT true)
)

SELECT requests.* EXCLUDE (is_unanswered_caller), COALESCE(requests.seq < steps.seq, false) AS is_before_step
FROM requests
LEFT JOIN stages USING (call_id)
LEFT JOIN steps USING (call_id)
WHERE COALESCE(requests.seq > stages.seq, true)
    -- Events of dials may still come after a caller gave up.
    OR (requests.is_unanswered_caller AND NOT requests.is_soft)
    -- A far end may refuse before Asterisk reports the dial, or hang up before Asterisk puts it into the bridge.
    OR (requests.channel_id, stages.stage_id) IN (
        SELECT (parts.channel_id, parts.stage_id) FROM parts JOIN asked USING (channel_id) WHERE asked.seq < parts.seq
    )
