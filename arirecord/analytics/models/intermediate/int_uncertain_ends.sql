-- One row is one interval of speech whose end can be more than 60 ms wrong, because the recording does not show the rate
-- of the channel or of its only peer. Identified by `channel_id` and `seq`.
-- `delay_ms`: how long after the speech Asterisk reported its end, at most 60 ms wrong for any rate up to 16 kHz (G.722,
-- `slin16`); NULL if no delay is.
WITH rates AS (
    SELECT
        delays.*,
        COALESCE(own_rates.rate_hz, 8000) AS own_hz,
        COALESCE(peer_rates.rate_hz, 16000) AS peer_hz
    FROM int_speech_delays AS delays
    JOIN int_speech_peers AS peers USING (channel_id, seq)
    LEFT JOIN int_channel_rates AS own_rates ON own_rates.channel_id = delays.channel_id
    LEFT JOIN int_channel_rates AS peer_rates ON peer_rates.channel_id = peers.peer_id
    WHERE NOT delays.is_rate_shown AND NOT delays.is_rate_higher
        AND (own_rates.rate_hz IS NULL OR peer_rates.rate_hz IS NULL)
),

bounds AS (
    SELECT *, threshold_ms AS longest_ms, 20 * ceil(threshold_ms * own_hz / peer_hz / 20) AS shortest_ms
    FROM rates
    WHERE own_hz < peer_hz
)

SELECT
    channel_id,
    seq,
    CASE WHEN longest_ms - shortest_ms <= 120 THEN least(longest_ms, shortest_ms + 60) END AS delay_ms
FROM bounds
WHERE greatest(bounds.delay_ms - shortest_ms, longest_ms - bounds.delay_ms) > 60
