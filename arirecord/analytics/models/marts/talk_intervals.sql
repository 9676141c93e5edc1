-- One row is one interval of speech on a channel, from talk detection. Identified by `channel_id` and `seq`.
-- `ended_at` is NULL if its end was not recorded or its duration is negative, `started_at` if its beginning was not.
SELECT
    speech.channel_id,
    calls.call_id,
    speech.started_at,
    CASE WHEN speech.duration_ms >= 0 THEN speech.started_at + to_milliseconds(speech.duration_ms) END AS ended_at,
    speech.duration_ms,
    spoken.is_cut_off,
    speech.seq
FROM int_speech AS speech
JOIN int_spoken AS spoken ON spoken.channel_id = speech.channel_id AND spoken.seq = speech.seq
LEFT JOIN int_call_channels AS calls ON calls.channel_id = speech.channel_id
