-- One row is one finding about a leg: a beginning, an end or a stay in a bridge that was not recorded, or a hangup
-- cause that indicates a fault. Identified by `rule`, `channel_id` and `seq`.
WITH known_legs AS (
    SELECT
        own_legs.call_id, facts.channel_id, lives.ended_at, facts.first_seq, facts.last_seq,
        facts.hangup_cause, facts.hangup_cause_txt, facts.tech_cause,
        facts.is_answered, outcomes.disposition,
        lives.created_seq, lives.ended_seq,
        bool_or(lives.ended_at IS NOT NULL) OVER (PARTITION BY own_legs.call_id) AS has_ended_leg,
        -- The socket of an application shows nothing of a channel before it enters and after it leaves, and of one that
        -- was never there only its dial.
        lives.created_seq IS NULL
            AND COALESCE(facts.last_seq <= departures.seq, own_events.channel_id IS NULL) AS is_out_of_sight
    FROM int_legs AS own_legs
    JOIN int_channel_facts AS facts USING (channel_id)
    JOIN int_channel_lives AS lives USING (channel_id)
    LEFT JOIN (
        SELECT channel_id, max(seq) AS seq FROM stg_stasis_events WHERE NOT is_entry GROUP BY channel_id
    ) AS departures USING (channel_id)
    LEFT JOIN (SELECT DISTINCT channel_id FROM stg_channel_events) AS own_events USING (channel_id)
    LEFT JOIN int_call_dispositions AS outcomes ON outcomes.call_id = own_legs.call_id
)

SELECT
    'missing-begin' AS rule, 'note' AS severity,
    'its creation was not recorded: it began before the recording, or the recorder was not subscribed to it' AS finding,
    call_id, channel_id, first_seq AS seq, NULL::TIMESTAMP AS event_at
FROM known_legs
WHERE created_seq IS NULL
UNION ALL
SELECT
    'missing-end',
    -- A call that goes on when the recording ends is not a problem of the call.
    CASE WHEN has_ended_leg AND NOT is_out_of_sight THEN 'warning' ELSE 'note' END,
    'its end was not recorded' || CASE
        WHEN is_out_of_sight THEN ': it was not in the application then'
        WHEN has_ended_leg THEN ', though that of other channels was'
        ELSE ''
    END,
    call_id, channel_id, last_seq, NULL
FROM known_legs
WHERE ended_at IS NULL
UNION ALL
SELECT
    'missing-leave', 'warning', 'left a bridge, and its entry was not recorded',
    own_legs.call_id, own_legs.channel_id, stays.left_seq, stays.left_at
FROM int_bridge_stays AS stays
JOIN known_legs AS own_legs USING (channel_id)
WHERE
    stays.entered_seq IS NULL AND own_legs.created_seq IS NOT NULL
    AND stays.left_seq IS DISTINCT FROM own_legs.ended_seq
UNION ALL
SELECT
    'missing-leave', 'warning', 'ended in a bridge, and its leaving was not recorded',
    own_legs.call_id, own_legs.channel_id, stays.left_seq, stays.left_at
FROM int_bridge_stays AS stays
JOIN known_legs AS own_legs USING (channel_id)
WHERE stays.left_seq = own_legs.ended_seq
UNION ALL
SELECT
    'unusual-cause',
    -- If a party answered, another phone that could not be reached is not a problem of the call.
    CASE WHEN disposition = 'ANSWERED' AND NOT is_answered THEN 'note' ELSE 'warning' END,
    concat_ws(' ', 'ended with', hangup_cause, hangup_cause_txt)
        || CASE WHEN tech_cause <> 0 THEN ', SIP ' || tech_cause ELSE '' END,
    call_id, channel_id, last_seq, ended_at
FROM known_legs
WHERE NOT is_harmless(hangup_cause, tech_cause)
