-- One row is one interval of speech, with how long after it Asterisk reported its end. Identified by `channel_id` and
-- `seq`.
-- At R samples a second Asterisk counts silence R / 8000 times too fast, in frames of 20 ms: `delay_ms` is then shorter
-- than the silence threshold. Of a rate that is not known (`is_rate_unknown`), only the bounds of the delay are; their
-- middle counts if it is at most 60 ms wrong, otherwise `delay_ms` is NULL.
WITH thresholds AS (
    SELECT
        speech.* EXCLUDE (rate_hz),
        speech.rate_hz IS NOT NULL AS is_rate_shown,
        -- An end after a gap with another threshold than the channel's is that of a later interval.
        has_gap AND (abs(silence_ms - usual_silence_ms) <= 10) IS NOT true AS is_torn,
        CASE WHEN is_torn THEN usual_silence_ms ELSE COALESCE(silence_ms, usual_silence_ms) END AS threshold_ms,
        rates.rate_hz,
        rates.channel_id IS NOT NULL AND rates.rate_hz IS NULL AS is_rate_unknown,
        COALESCE(rates.is_proven, false) AS is_rate_higher
    FROM int_speech AS speech
    LEFT JOIN int_speech_rates AS rates USING (channel_id, seq)
),

bounds AS (
    SELECT
        *,
        least(
            -- The lowest of the higher rates is 16 kHz.
            CASE WHEN is_rate_higher THEN threshold_ms / 2 ELSE threshold_ms END,
            CASE WHEN duration_ms < 0 THEN duration_ms + threshold_ms END
        ) AS longest_ms,
        least(20, longest_ms) AS shortest_ms
    FROM thresholds
)

SELECT
    * EXCLUDE (longest_ms, shortest_ms),
    CASE
        WHEN is_rate_unknown AND longest_ms - shortest_ms <= 120 THEN (longest_ms + shortest_ms) / 2
        WHEN is_rate_unknown THEN NULL
        WHEN rate_hz IS NOT NULL THEN 20 * ceil(threshold_ms * 8000 / rate_hz / 20)
        -- Late packets: the silence began before the report of speech.
        ELSE threshold_ms + least(duration_ms, 0)
    END AS delay_ms
FROM bounds
