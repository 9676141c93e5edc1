-- One row is one step of a channel in the dialplan. Identified by `seq`. Several models read it. `app_data` is kept of
-- applications that they look into.
SELECT
    seq,
    timestamp AS event_at,
    channel_id,
    dialplan_app AS app,
    lower(dialplan_app) IN (
        'authenticate', 'background', 'controlplayback', 'directory', 'playback', 'read', 'readexten', 'sayalpha',
        'saydigits', 'saynumber', 'sayphonetic', 'sayunixtime', 'speechbackground', 'vmauthenticate', 'waitexten'
    ) AS is_prompt,
    CASE WHEN is_prompt OR dialplan_app = 'Queue' THEN dialplan_app_data END AS app_data
FROM ChannelDialplan
WHERE channel_id IS NOT NULL
