-- One row is one interval of speech, or one playback, in a call with an agent, as it reaches the caller. Identified by
-- `source_id` and `seq`. Parts with the same `turn_seq` are one turn: the pauses between them are at most the parameter
-- `turn_gap_ms`, and no other party began to speak in them.
WITH heard AS (
    SELECT
        speech.* EXCLUDE (from_ms, to_ms, until_ms, has_start),
        any_value(CASE WHEN speech.source = 'PlaybackStarted' THEN 'agent' ELSE mine.speaker END) AS speaker,
        min(listened.from_ms) AS from_ms,
        max(listened.until_ms) AS until_ms,
        CASE WHEN any_value(speech.to_ms) IS NOT NULL
            THEN least(any_value(speech.to_ms) + max(listened.delay_ms), max(listened.until_ms)) END AS to_ms,
        any_value(speech.has_start)
            AND min(listened.from_ms - listened.delay_ms) - any_value(speech.from_ms) < 20 AS has_start
    FROM int_trusted_speech AS speech
    JOIN int_audible_speech AS listened USING (source_id, seq)
    JOIN turn_parties AS callers
        ON callers.call_id = speech.call_id AND callers.channel_id = listened.listener_id
        AND callers.speaker = 'caller'
    LEFT JOIN turn_parties AS mine ON mine.call_id = speech.call_id AND mine.channel_id = speech.channel_id
    WHERE callers.has_agent OR speech.call_id IN (SELECT call_id FROM int_call_speech WHERE source = 'PlaybackStarted')
    GROUP BY ALL
),

paused AS (
    SELECT
        *,
        max(until_ms) OVER earlier AS last_until_ms,
        COALESCE(from_ms - last_until_ms > param('turn_gap_ms'), true) AS is_fresh
    FROM heard
    WINDOW earlier AS (
        PARTITION BY call_id, speaker, COALESCE(channel_id, bridge_id) ORDER BY from_ms, seq
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

divided AS (
    SELECT
        *,
        is_fresh OR COALESCE(
            CASE
                WHEN speaker = 'caller' THEN max(from_ms) FILTER (is_fresh AND speaker <> 'caller') OVER so_far
                ELSE max(from_ms) FILTER (is_fresh AND speaker = 'caller') OVER so_far
            END > last_until_ms,
            false
        ) AS is_turn,
        unknown_reason IS NULL AND (source = 'PlaybackStarted' OR silence_ms <= param('turn_gap_ms')) IS true AS is_clear
    FROM paused
    WINDOW so_far AS (PARTITION BY call_id ORDER BY from_ms, seq ROWS UNBOUNDED PRECEDING)
)

SELECT
    call_id,
    channel_id,
    bridge_id,
    speaker,
    source,
    make_timestamp_ms(from_ms) AS started_at,
    make_timestamp_ms(to_ms) AS ended_at,
    make_timestamp_ms(until_ms) AS until_at,
    silence_ms,
    end_doubt,
    has_start AS is_start_known,
    is_clear,
    CASE
        WHEN unknown_reason IS NOT NULL THEN unknown_reason
        WHEN NOT is_clear THEN 'threshold'
        WHEN NOT has_start THEN 'start'
    END AS unknown_reason,
    max(CASE WHEN is_turn THEN started_seq END) OVER (
        PARTITION BY call_id, speaker, COALESCE(channel_id, bridge_id) ORDER BY from_ms, seq ROWS UNBOUNDED PRECEDING
    ) AS turn_seq,
    source_id,
    seq
FROM divided
