-- One row is one turning point of a channel with prompts or digits. Identified by `channel_id` and `seq`.
-- `kind` is prompt (one begins), connected (the channel enters a bridge that is not a holding bridge, or a Dial
-- begins), or its end: hung_up (its far end requested it), ended (Asterisk, the dialplan or an app did).
WITH in_menus AS (
    SELECT channel_id FROM int_prompts
    UNION
    SELECT channel_id FROM int_digits
),

connections AS (
    SELECT channel_id, entered_seq AS seq, entered_at AS event_at
    FROM int_bridge_stays
    WHERE entered_seq IS NOT NULL AND NOT is_holding
    UNION ALL
    SELECT caller_channel_id, min(seq), event_at
    FROM int_dials
    WHERE caller_channel_id IS NOT NULL AND dial_status IS NULL
    GROUP BY caller_channel_id, event_at
),

requests AS (
    SELECT channel_id, bool_or(NOT is_soft) AS is_hung_up
    FROM int_hangup_requests
    GROUP BY channel_id
)

SELECT channel_id, seq, started_at AS event_at, 'prompt' AS kind, prompt, kind AS prompt_kind, ended_at AS prompt_ended_at
FROM int_prompts
UNION ALL
SELECT channel_id, seq, event_at, 'connected', NULL, NULL, NULL
FROM connections
WHERE channel_id IN (SELECT channel_id FROM in_menus)
UNION ALL
SELECT lives.channel_id, lives.ended_seq, lives.ended_at, CASE WHEN is_hung_up THEN 'hung_up' ELSE 'ended' END,
    NULL, NULL, NULL
FROM int_channel_lives AS lives
LEFT JOIN requests USING (channel_id)
WHERE lives.ended_seq IS NOT NULL AND lives.channel_id IN (SELECT channel_id FROM in_menus)
