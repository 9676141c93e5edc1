-- One row is one interval of speech on a channel, from talk detection. Identified by `channel_id` and `seq`.
-- Times that are not known are NULL, and `unknown_reason` says why.
SELECT
    spoken.channel_id,
    calls.call_id,
    make_timestamp_ms(spoken.from_ms) AS started_at,
    make_timestamp_ms(spoken.to_ms) AS ended_at,
    spoken.spoken_ms AS duration_ms,
    CASE WHEN spoken.unknown_reason IS DISTINCT FROM 'clock' THEN speech.silence_ms END AS silence_ms,
    spoken.is_cut_off,
    spoken.unknown_reason,
    spoken.seq
FROM int_spoken AS spoken
JOIN int_speech AS speech ON speech.channel_id = spoken.channel_id AND speech.seq = spoken.seq
LEFT JOIN int_call_channels AS calls ON calls.channel_id = spoken.channel_id
