-- One row is one call, with the parties as shown by its first channel and the first channel that it reached.
-- Identified by `call_id`. The first channel is the earliest that is not an Asterisk helper: the caller, or the one
-- that an app called first. A number that Originate gave a channel is the app's, not the party's.
WITH called AS (
    SELECT call_id, channel_id
    FROM int_legs
    WHERE role = 'called' AND is_first IS NOT true
    UNION
    -- A channel that picked the call up is an incoming one. A channel that a transferer called is in the other call by
    -- now.
    SELECT callers.call_id, attempts.peer_channel_id
    FROM int_dial_attempts AS attempts
    JOIN int_call_channels AS callers ON callers.channel_id = attempts.caller_channel_id
    JOIN int_legs AS peers ON peers.channel_id = attempts.peer_channel_id
    WHERE peers.role IN ('caller', 'called') AND (peers.call_id <> callers.call_id OR peers.is_first IS NOT true)
),

reached AS (
    SELECT
        called.call_id,
        arg_min_null(
            CASE WHEN NOT facts.is_number_given THEN facts.caller_number END,
            (facts.answered_at IS NULL, facts.answered_at, facts.first_seq)
        ) AS caller_number,
        min(facts.first_seq) AS first_seq
    FROM called
    JOIN int_channel_facts AS facts USING (channel_id)
    GROUP BY called.call_id
),

media AS (
    SELECT legs.call_id, min(stays.entered_seq) AS first_seq
    FROM int_legs AS legs
    JOIN int_bridge_stays AS stays USING (channel_id)
    WHERE legs.role = 'media'
    GROUP BY legs.call_id
)

SELECT
    first_leg.call_id,
    first_leg.channel_id AS first_channel_id,
    first_leg.role AS first_role,
    first_leg.endpoint AS first_endpoint,
    facts.caller_number,
    CASE WHEN facts.is_created OR NOT facts.is_number_given THEN facts.caller_name END AS caller_name,
    NULLIF(facts.exten, 's') AS dialled_exten,
    facts.context AS dialled_context,
    -- An app that originates often gives the new channel the caller's number: the called number is then unknown.
    NULLIF(reached.caller_number, facts.caller_number) AS called_number,
    -- A caller who talked to a bot before any party was called has called the bot.
    reached.call_id IS NOT NULL AND COALESCE(reached.first_seq < media.first_seq, true) AS has_called,
    facts.is_answered,
    facts.is_ended,
    facts.is_tracked,
    facts.answered_at,
    -- As in a CDR, the call ends with its first channel, unless another took its place.
    CASE WHEN first_leg.role = 'local' OR handed_on.channel_id IS NOT NULL THEN spans.ended_at ELSE facts.ended_at END
        AS until_at,
    -- What an app's own socket shows of the first channel may end before its end.
    COALESCE(until_at, CASE WHEN handed_on.channel_id IS NULL AND facts.is_over THEN facts.gone_at END) AS gone_at,
    times.last_left_at,
    facts.hangup_cause,
    facts.hangup_cause_txt,
    -- A channel that was made and never dialled was not refused.
    CASE WHEN first_leg.role <> 'called' OR facts.is_answered OR dialled.channel_id IS NOT NULL THEN facts.tech_cause END
        AS tech_cause
FROM int_legs AS first_leg
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN reached ON reached.call_id = first_leg.call_id
LEFT JOIN media ON media.call_id = first_leg.call_id
LEFT JOIN int_call_spans AS spans ON spans.call_id = first_leg.call_id
LEFT JOIN int_dialled AS dialled ON dialled.channel_id = first_leg.channel_id
LEFT JOIN int_handed_on AS handed_on ON handed_on.channel_id = first_leg.channel_id
LEFT JOIN int_bridged_times AS times ON times.channel_id = first_leg.channel_id
WHERE first_leg.is_first
