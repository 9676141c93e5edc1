-- One row is one event that shows a channel in a Stasis application. Identified by `seq`.
-- Either the application received `StasisStart`, or the channel's place in the dialplan is the application.
SELECT seq, channel_key(channel_id, seq) AS channel_id, application
FROM StasisStart
WHERE channel_id IS NOT NULL
UNION ALL
SELECT seq, channel_key(channel_id, seq), NULLIF(split_part(channel_dialplan_app_data, ',', 1), '')
FROM channel_events
WHERE channel_dialplan_app_name = 'Stasis'
