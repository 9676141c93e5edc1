-- One row is one channel whose own number of samples a second the recording shows, or which may have more than 8,000.
-- Identified by `channel_id`.
-- `rate_hz` is NULL if the rate is not known: a Local channel that no channel dialled has 192 kHz, unless its request
-- named other formats. The format of external media is in its request; that by RTP has it in its dial string, too. A
-- WebSocket has the size of its packets of 20 ms, which are linear (2 bytes a sample) if longer than those of 8 kHz.
-- Of any channel the recorder may have requested the format.
WITH media AS (
    SELECT
        originations.channel_id,
        NULLIF(url_decode(regexp_extract(requests.query, '&format=([^&]*)', 1)), '') AS query_format,
        sample_rate(COALESCE(query_format, requests.body ->> 'format')) AS rate_hz
    FROM stg_requests AS requests
    JOIN stg_originations AS originations USING (seq)
    WHERE requests.path = 'channels/externalMedia'
    UNION ALL
    SELECT
        peer_channel_id,
        regexp_extract(dialstring, '/c\(([^)]+)\)', 1) AS dialled_format,
        sample_rate(dialled_format)
    FROM int_dials
    WHERE dialled_format <> ''
),

halves AS (
    SELECT
        facts.channel_id,
        bool_or(dials.seq IS NOT NULL) OVER (PARTITION BY regexp_replace(facts.channel_name, ';[12]$', '')) AS is_dialled
    FROM int_channel_facts AS facts
    LEFT JOIN int_dials AS dials
        ON dials.peer_channel_id = facts.channel_id AND dials.caller_channel_id IS NOT NULL
    WHERE facts.technology = 'Local'
)

-- Packets of 160 bytes are G.711 at 8 kHz, or G.722 if the format was requested.
SELECT channel_id, max(rate_hz) AS rate_hz
FROM (
    SELECT channel_id, rate_hz FROM stg_native_formats WHERE rate_hz IS NOT NULL
    UNION ALL
    SELECT channel_id, rate_hz FROM media
    UNION ALL
    SELECT channel_id, greatest(TRY_CAST(value AS INTEGER) * 25, 8000)
    FROM stg_variables
    WHERE variable = 'MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE' AND TRY_CAST(value AS INTEGER) > 0
    UNION ALL
    SELECT channel_id, NULL FROM halves WHERE NOT is_dialled
)
GROUP BY channel_id
