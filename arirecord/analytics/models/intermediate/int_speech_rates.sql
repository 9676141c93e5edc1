-- One row is one interval of speech whose silence Asterisk may count too fast. Identified by `channel_id` and `seq`.
-- Two channels alone in a bridge have the higher rate of both; with a third, each has its own. Talk detection expects
-- the rate of the channel's own codec, so that of a media leg itself is right. `channelvars` of the event count before
-- all else. A negative duration proves a higher rate (`is_proven`), also for what lies between two of them; a long one
-- proves that of the only peer's endpoint, also in its other calls. `rate_hz` is NULL if the rate is not known.
WITH members AS (
    SELECT speech.channel_id, speech.seq, others.channel_id AS other_id
    FROM int_speech AS speech
    JOIN int_bridge_stays AS stays
        ON stays.channel_id = speech.channel_id
        AND COALESCE(stays.entered_seq < speech.seq, true) AND COALESCE(stays.left_seq > speech.seq, true)
    JOIN int_bridge_stays AS others
        ON others.bridge_id = stays.bridge_id AND others.channel_id <> stays.channel_id
        AND COALESCE(others.entered_seq < speech.seq, true) AND COALESCE(others.left_seq > speech.seq, true)
    WHERE EXISTS (FROM int_wide_channels) OR EXISTS (FROM int_speech WHERE duration_ms <= -40)
),

peers AS (
    SELECT channel_id, seq, any_value(other_id) AS other_id
    FROM members
    GROUP BY channel_id, seq
    HAVING count(DISTINCT other_id) = 1
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
    JOIN peers USING (channel_id, seq)
    JOIN places AS own ON own.channel_id = speech.channel_id AND NOT own.is_media
    JOIN places AS others ON others.channel_id = peers.other_id
    WHERE speech.duration_ms <= -40
),

wide AS (
    SELECT channel_id, seq, CASE WHEN bool_and(rate_hz IS NOT NULL) THEN max(rate_hz) END AS rate_hz
    FROM (
        SELECT speech.channel_id, speech.seq, channels.rate_hz
        FROM int_speech AS speech
        JOIN int_wide_channels AS channels USING (channel_id)
        WHERE channels.rate_hz IS NULL
        UNION ALL
        SELECT peers.channel_id, peers.seq, channels.rate_hz
        FROM peers
        JOIN int_wide_channels AS channels ON channels.channel_id = peers.other_id
        UNION ALL
        SELECT peers.channel_id, peers.seq, NULL
        FROM peers
        JOIN places ON places.channel_id = peers.other_id
        JOIN wide_endpoints USING (endpoint)
    )
    GROUP BY channel_id, seq
),

proven AS (
    SELECT channel_id, min(seq) AS first_seq, max(seq) AS last_seq
    FROM int_speech
    WHERE duration_ms < 0
    GROUP BY channel_id
)

SELECT
    speech.channel_id,
    speech.seq,
    COALESCE(speech.rate_hz, wide.rate_hz) AS rate_hz,
    COALESCE(speech.seq BETWEEN proven.first_seq AND proven.last_seq, false) AS is_proven
FROM int_speech AS speech
LEFT JOIN wide USING (channel_id, seq)
LEFT JOIN proven USING (channel_id)
WHERE speech.rate_hz > 8000 OR (
    speech.rate_hz IS NULL AND (wide.channel_id IS NOT NULL OR proven.channel_id IS NOT NULL)
)
