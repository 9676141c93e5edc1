-- One row is one entry of a channel into a Stasis application (`is_entry`), or its leaving. Identified by `channel_id`
-- and `seq`. If no application received StasisStart or StasisEnd of the channel, the variable STASISSTATUS is used:
-- Asterisk clears it at the entry and sets it when the channel leaves, or could not enter (FAILED). It is not set for
-- a transferred channel: then the channel is elsewhere in the dialplan, perhaps already before (`is_elsewhere`).
WITH steps AS (
    SELECT channel_id, is_entry, application, args, replace_channel_id, event_at, min(seq) AS seq
    FROM stg_stasis_events
    GROUP BY ALL
),

variables_set AS (
    SELECT
        channel_id,
        COALESCE(value, '') = '' AS is_entry,
        CASE WHEN dialplan_app = 'Stasis' THEN dialplan_app_data END AS app_data,
        NULLIF(value, '') AS status,
        event_at,
        min(seq) AS seq
    FROM stg_variables
    WHERE variable = 'STASISSTATUS' AND channel_id IS NOT NULL
    GROUP BY ALL
)

SELECT
    channel_id, is_entry, false AS is_elsewhere, application, args, replace_channel_id, NULL AS status,
    true AS is_announced, event_at, seq
FROM steps
UNION ALL
SELECT
    channel_id,
    is_entry,
    false,
    NULLIF(split_part(app_data, ',', 1), ''),
    string_split(app_data, ',')[2:],
    NULL,
    status,
    false,
    event_at,
    seq
FROM variables_set
WHERE channel_id NOT IN (SELECT channel_id FROM steps)
UNION ALL
SELECT channel_id, false, true, NULL, NULL, NULL, NULL, false, event_at, seq
FROM int_dialplan_steps
WHERE (app LIKE 'Stasis%') IS NOT true
    AND channel_id IN (SELECT channel_id FROM variables_set)
    AND channel_id NOT IN (SELECT channel_id FROM steps)
