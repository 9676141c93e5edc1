-- One row is one stretch of speech on a channel, from talk detection. Identified by `channel_id` and `seq`.
-- It has no `ended_at` where its end was not recorded, and no `started_at` where its beginning was not.
SELECT
    speech.channel_id,
    calls.call_id,
    speech.started_at,
    speech.started_at + to_milliseconds(speech.duration_ms) AS ended_at,
    speech.duration_ms,
    spoken.is_cut_off,
    speech.seq
FROM int_speech AS speech
JOIN int_spoken AS spoken ON spoken.channel_id = speech.channel_id AND spoken.seq = speech.seq
LEFT JOIN int_call_channels AS calls ON calls.channel_id = speech.channel_id
