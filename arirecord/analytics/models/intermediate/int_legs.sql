-- One row is one channel, with its call and its role in it. Identified by `channel_id`.
WITH roles AS (
    SELECT
        channel_id,
        calls.call_id,
        endpoint_of(known.channel_name) AS endpoint,
        CASE
            WHEN known.is_helper THEN 'helper'
            WHEN known.is_media THEN 'media'
            WHEN known.technology = 'Local' THEN 'local'
            WHEN is_incoming_state(known.first_state) THEN 'caller'
            -- Some drivers (SCCP, Skinny) make a caller's channel as one that is called. Nothing dialled it, and it dials
            -- or enters the dialplan in the state Ring.
            WHEN known.is_created AND known.first_state = 'Down' AND COALESCE(dialled.is_caller, known.is_calling)
                THEN 'caller'
            WHEN is_outgoing_state(known.first_state) THEN 'called'
            WHEN dialled.is_caller THEN 'caller'
            WHEN NOT dialled.is_caller THEN 'called'
            -- A channel that nothing dialled came in.
            WHEN is_reserved_state(known.first_state) AND known.is_tracked THEN 'caller'
        END AS role,
        known.is_helper OR known.is_media AS is_aside,
        disordered.channel_id IS NOT NULL AS is_disordered,
        known.has_start OR known.linkedid IS NOT NULL AS is_sure,
        (known.made_seq, known.created_at, known.first_seq) AS made
    FROM int_channel_facts AS known
    JOIN int_call_channels AS calls USING (channel_id)
    LEFT JOIN int_dialled AS dialled USING (channel_id)
    LEFT JOIN int_disordered_channels AS disordered USING (channel_id)
),

-- A linkedid is the id of the call's first channel, which may not be in the recording. Without a linkedid, there may
-- have been another channel before one that was up at the beginning. One that the recording does not show may be older.
firsts AS (
    SELECT call_id, arg_min(channel_id, made) FILTER (NOT is_aside) AS channel_id
    FROM roles
    GROUP BY call_id
    HAVING bool_or(channel_id = call_id)
        AND call_id NOT IN (SELECT call_id FROM int_unseen_channels WHERE is_older)
        AND NOT bool_or(is_disordered)
        AND arg_min(is_sure, made) FILTER (NOT is_aside)
)

SELECT
    roles.* EXCLUDE (is_aside, is_disordered, is_sure, made),
    roles.channel_id = firsts.channel_id AS is_first
FROM roles
LEFT JOIN firsts USING (call_id)
