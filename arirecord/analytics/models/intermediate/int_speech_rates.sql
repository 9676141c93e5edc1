-- One row is one interval of speech whose silence Asterisk may count too fast. Identified by `channel_id` and `seq`.
-- Two channels alone in a bridge have the higher rate of both; with a third, each has its own. Talk detection expects
-- the rate of the channel's own codec, 8 kHz if that is not known. `channelvars` of the event count before all else. A
-- negative duration proves a higher rate (`is_proven`), also for what lies between two of them; a long one proves that
-- of the only peer's endpoint, also in its other calls. `rate_hz` is that of the audio for an own rate of 8 kHz, NULL if
-- it is not known. Where the rates of both are known, late packets make a negative duration, and nothing is proven.
WITH paired AS (
    SELECT
        peers.channel_id, peers.seq, peers.peer_id,
        peer_rates.channel_id IS NOT NULL AS is_peer_listed,
        own_rates.rate_hz IS NOT NULL AND peer_rates.rate_hz IS NOT NULL AS is_known,
        8000 * peer_rates.rate_hz / COALESCE(own_rates.rate_hz, 8000) AS rate_hz
    FROM int_speech_peers AS peers
    LEFT JOIN int_channel_rates AS peer_rates ON peer_rates.channel_id = peers.peer_id
    LEFT JOIN int_channel_rates AS own_rates ON own_rates.channel_id = peers.channel_id
),

-- An AudioSocket's name ends in the UUID of the call.
places AS (
    SELECT channel_id, is_media,
        CASE WHEN is_media THEN regexp_extract(channel_name, '^.*?:\d+') ELSE endpoint_of(channel_name) END AS endpoint
    FROM int_channel_facts
    WHERE technology NOT IN ('Local', 'UnicastRTP', 'WebSocket')
),

-- A media leg may send faster than real time, and late packets make a negative duration of some milliseconds.
wide_endpoints AS (
    SELECT DISTINCT others.endpoint
    FROM int_speech AS speech
    JOIN int_speech_peers AS peers USING (channel_id, seq)
    JOIN places AS own ON own.channel_id = speech.channel_id AND NOT own.is_media
    JOIN places AS others ON others.channel_id = peers.peer_id
    WHERE speech.duration_ms <= -40
),

wide AS (
    SELECT channel_id, seq, CASE WHEN bool_and(rate_hz IS NOT NULL) THEN max(rate_hz) END AS rate_hz
    FROM (
        SELECT speech.channel_id, speech.seq, channels.rate_hz
        FROM int_speech AS speech
        JOIN int_channel_rates AS channels USING (channel_id)
        WHERE channels.rate_hz IS NULL
        UNION ALL
        SELECT channel_id, seq, rate_hz FROM paired WHERE is_peer_listed AND (rate_hz > 8000) IS NOT false
        UNION ALL
        SELECT paired.channel_id, paired.seq, NULL
        FROM paired
        JOIN places ON places.channel_id = paired.peer_id
        JOIN wide_endpoints USING (endpoint)
        WHERE NOT paired.is_peer_listed
    )
    GROUP BY channel_id, seq
),

proven AS (
    SELECT channel_id, min(seq) AS first_seq, max(seq) AS last_seq
    FROM int_speech
    LEFT JOIN paired USING (channel_id, seq)
    WHERE duration_ms < 0 AND is_known IS NOT true
    GROUP BY channel_id
)

SELECT
    speech.channel_id,
    speech.seq,
    COALESCE(speech.rate_hz, wide.rate_hz) AS rate_hz,
    COALESCE(speech.seq BETWEEN proven.first_seq AND proven.last_seq, false) AS is_proven
FROM int_speech AS speech
LEFT JOIN wide USING (channel_id, seq)
LEFT JOIN paired USING (channel_id, seq)
LEFT JOIN proven ON proven.channel_id = speech.channel_id AND paired.is_known IS NOT true
WHERE speech.rate_hz > 8000 OR (
    speech.rate_hz IS NULL AND (wide.channel_id IS NOT NULL OR proven.channel_id IS NOT NULL)
)
