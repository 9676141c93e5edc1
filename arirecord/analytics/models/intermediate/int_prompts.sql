-- One row is one prompt that a caller was played, by ARI or by the dialplan. Identified by `channel_id` and `seq`. The
-- end of a dialplan prompt is not known. An application that only waits for keys (WaitExten) continues the prompt before.
WITH steps AS (
    SELECT *
    FROM int_dialplan_steps
    WHERE is_prompt
    QUALIFY NOT is_silent_prompt(app) OR row_number() OVER (PARTITION BY channel_id ORDER BY seq) = 1
)

SELECT
    channel_id,
    first_seq AS seq,
    array_to_string(media_uris, '&') AS prompt,
    'playback' AS kind,
    started_at,
    ended_at
FROM int_playbacks
WHERE channel_id IS NOT NULL AND has_start
UNION ALL
SELECT channel_id, min(seq), concat(app, '(', app_data, ')'), 'dialplan', event_at, NULL
FROM steps
GROUP BY channel_id, app, app_data, event_at
