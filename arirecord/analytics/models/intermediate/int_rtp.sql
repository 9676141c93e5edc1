-- One row is one direction of a channel's audio, as Asterisk reported it at the end. Identified by `channel_id` and
-- `direction`: received by Asterisk, or sent by it, as the far end reported. In RTPAUDIOQOS `txjitter` is Asterisk's
-- measurement of received packets, and `rxjitter` the far end's report.
WITH reports AS (
    SELECT
        channel_id,
        max(event_at) AS reported_at,
        arg_max(value, seq) FILTER (variable = 'RTPAUDIOQOS') AS quality,
        arg_max(value, seq) FILTER (variable = 'RTPAUDIOQOSJITTER') AS jitters,
        max(seq) AS last_seq
    FROM stg_variables
    WHERE variable IN ('RTPAUDIOQOS', 'RTPAUDIOQOSJITTER') AND channel_id IS NOT NULL
    GROUP BY channel_id
),

parsed AS (
    SELECT
        channel_id, reported_at, last_seq,
        regexp_extract(
            quality,
            ';lp=(\d+);rxjitter=([0-9.]+);rxcount=(\d+);txjitter=([0-9.]+);txcount=(\d+);rlp=(\d+);rtt=([0-9.]+)'
            || '(?:;rxmes=([0-9.]+);txmes=([0-9.]+))?',
            ['lp', 'rxjitter', 'rxcount', 'txjitter', 'txcount', 'rlp', 'rtt', 'rxmes', 'txmes']
        ) AS fields,
        regexp_extract(jitters, 'maxrxjitter=([0-9.]+)', 1) AS longest_jitter
    FROM reports
    WHERE quality <> ''
),

read AS (
    SELECT
        channel_id, reported_at, last_seq,
        TRY_CAST(fields.rxcount AS BIGINT) AS received_count,
        TRY_CAST(fields.txcount AS BIGINT) AS sent_count,
        -- Unsigned numbers: duplicates can make them negative, which then looks huge.
        TRY_CAST(fields.lp AS BIGINT) * (TRY_CAST(fields.lp AS BIGINT) < 2147483648)::INT AS received_lost,
        TRY_CAST(fields.rlp AS BIGINT) * (TRY_CAST(fields.rlp AS BIGINT) < 2147483648)::INT AS sent_lost,
        TRY_CAST(fields.txjitter AS DOUBLE) * 1000 AS received_jitter_ms,
        TRY_CAST(fields.rxjitter AS DOUBLE) * 1000 AS sent_jitter_ms,
        TRY_CAST(longest_jitter AS DOUBLE) * 1000 AS longest_jitter_ms,
        NULLIF(TRY_CAST(fields.rtt AS DOUBLE), 0) * 1000 AS round_trip_ms,
        -- The first RTCP report counts losses, and Asterisk scores each report: without a score there was no report.
        COALESCE(TRY_CAST(fields.txmes AS DOUBLE), 1) > 0 AS is_counted,
        COALESCE(TRY_CAST(fields.rxmes AS DOUBLE), 0) > 0
            OR round_trip_ms > 0 OR sent_lost > 0 OR sent_jitter_ms > 0 AS is_reported
    FROM parsed
),

-- A filter inside would make DuckDB parse every text again: it comes after both counts.
directions AS (
    SELECT
        channel_id, reported_at, round_trip_ms, last_seq,
        unnest([
            {
                'direction': 'received',
                'packet_count': received_count,
                'lost_count': CASE WHEN received_count > 0 AND is_counted THEN received_lost END,
                'jitter_ms': CASE WHEN received_count > 0 THEN received_jitter_ms END,
                'longest_jitter_ms': CASE WHEN received_count > 0 THEN longest_jitter_ms END
            },
            {
                'direction': 'sent',
                'packet_count': sent_count,
                'lost_count': CASE WHEN sent_count > 0 AND is_reported THEN sent_lost END,
                'jitter_ms': CASE WHEN sent_count > 0 AND is_reported THEN sent_jitter_ms END,
                'longest_jitter_ms': NULL
            }
        ]) AS heard
    FROM read
)

SELECT
    channel_id, heard.direction, directions.reported_at, heard.packet_count, heard.lost_count, heard.jitter_ms,
    heard.longest_jitter_ms,
    directions.round_trip_ms, directions.last_seq,
    -- Audio flows from the answer on.
    ms_between(lives.answered_at, directions.reported_at) AS audio_ms
FROM directions
LEFT JOIN int_channel_lives AS lives USING (channel_id)
WHERE heard.packet_count IS NOT NULL
