-- One row is one interval of speech with its times in milliseconds. Identified by `channel_id` and `seq`.
-- Asterisk does not report the end of an interval that the channel's end cuts off: it lasts until then, and
-- `is_cut_off` is true. On a channel with a higher rate than 8 kHz Asterisk counts silence too fast, and reports a
-- negative duration for short speech: its end is not known. Other times that are not known are NULL.
WITH last_of_channel AS (
    SELECT
        speech.channel_id,
        speech.seq,
        speech.duration_ms,
        epoch_ms(speech.started_at) AS from_ms,
        epoch_ms(lives.ended_at) AS ended_ms,
        lives.ended_seq,
        lives.ended_seq > speech.seq
            AND speech.duration_ms IS NULL
            AND lead(speech.seq) OVER (PARTITION BY speech.channel_id ORDER BY speech.seq) IS NULL AS is_last_open
    FROM int_speech AS speech
    LEFT JOIN int_channel_lives AS lives USING (channel_id)
),

judged AS (
    SELECT
        spoken.*,
        spoken.is_last_open IS true AND (gaps.seq IS NULL OR gaps.seq < spoken.seq) AS is_cut_off
    FROM last_of_channel AS spoken
    ASOF LEFT JOIN int_gaps AS gaps ON spoken.ended_seq >= gaps.seq
)

SELECT
    channel_id,
    seq,
    from_ms,
    CASE WHEN is_cut_off THEN greatest(ended_ms, from_ms) WHEN duration_ms >= 0 THEN from_ms + duration_ms END AS to_ms,
    CASE WHEN is_cut_off THEN greatest(ended_ms - from_ms, 0) WHEN duration_ms >= 0 THEN duration_ms END AS spoken_ms,
    is_cut_off
FROM judged
