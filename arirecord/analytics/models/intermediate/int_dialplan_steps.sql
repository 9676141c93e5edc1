-- One row is one step of a channel in the dialplan. Identified by `seq`. Several models read it. `app_data` is kept of
-- applications that they look into. `app` is NULL where the step is another's: whose place in an application a transfer
-- gave away shows, as it ends, where the transferee was before.
SELECT
    steps.seq,
    steps.timestamp AS event_at,
    steps.channel_id,
    CASE WHEN given_away.channel_id IS NULL THEN steps.dialplan_app END AS app,
    lower(app) IN (
        'authenticate', 'background', 'controlplayback', 'directory', 'playback', 'read', 'readexten', 'sayalpha',
        'saydigits', 'saynumber', 'sayphonetic', 'sayunixtime', 'speechbackground', 'vmauthenticate', 'waitexten'
    ) AS is_prompt,
    CASE WHEN is_prompt OR app = 'Queue' THEN steps.dialplan_app_data END AS app_data
FROM ChannelDialplan AS steps
LEFT JOIN (
    SELECT transferer_second_channel_id AS channel_id, min(seq) AS seq
    FROM stg_transfers
    WHERE destination_type = 'application'
    GROUP BY transferer_second_channel_id
) AS given_away ON given_away.channel_id = steps.channel_id AND given_away.seq < steps.seq
WHERE steps.channel_id IS NOT NULL
