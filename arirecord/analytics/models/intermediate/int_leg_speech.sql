-- One row is one interval of speech that comes from a leg of a call. Identified by `source_id` and `seq`.
-- A Snoop on the leg is preferred to talk detection on the leg itself, because it delivers silence when the leg sends
-- nothing. `until_ms` is the latest time until which it can have lasted, and equal to `to_ms` if that is known.
-- `end_doubt` is `rate` if `to_ms` can be more than 60 ms wrong, because a rate is not known.
-- `has_start` is false if it may have begun before `from_ms`, because talk detection was set in it.
WITH sources AS (
    SELECT channel_id, leg_id, 'Snoop' AS source FROM int_snooped_legs
    UNION ALL
    SELECT DISTINCT speech.channel_id, speech.channel_id, 'TALK_DETECT'
    FROM int_speech AS speech
    JOIN int_channel_facts AS facts USING (channel_id)
    WHERE NOT facts.is_helper AND speech.channel_id NOT IN (SELECT leg_id FROM int_snooped_legs)
),

ends AS (
    SELECT
        spoken.* REPLACE (
            CASE
                WHEN to_ms IS NULL OR doubted.delay_ms IS NULL THEN to_ms
                ELSE greatest((epoch_ms(speech.finished_at) - doubted.delay_ms)::BIGINT, from_ms)
            END AS to_ms
        ),
        CASE WHEN doubted.seq IS NOT NULL AND doubted.delay_ms IS NULL THEN 'rate' END AS end_doubt
    FROM int_spoken AS spoken
    JOIN int_speech AS speech USING (channel_id, seq)
    LEFT JOIN int_uncertain_ends AS doubted USING (channel_id, seq)
),

timed AS (
    SELECT
        sources.leg_id AS channel_id,
        sources.source,
        sources.channel_id AS source_id,
        spoken.seq,
        COALESCE(speech.started_seq, speech.seq) AS started_seq,
        COALESCE(spoken.from_ms, epoch_ms(speech.finished_at)) AS from_ms,
        spoken.to_ms,
        COALESCE(
            spoken.to_ms, epoch_ms(speech.finished_at), epoch_ms(speech.next_at), epoch_ms(lives.ended_at),
            32503680000000
        ) AS until_ms,
        spoken.end_doubt,
        COALESCE(speech.silence_ms, speech.usual_silence_ms) AS silence_ms,
        spoken.unknown_reason,
        spoken.is_cut_off,
        speech.started_at IS NOT NULL AND spoken.from_ms IS NOT NULL
            AND COALESCE(epoch_ms(speech.started_at) - epoch_ms(lives.created_at) > 100, true)
            AND NOT COALESCE(lag(speech.is_restarted) OVER of_source, false) AS has_start
    FROM sources
    JOIN ends AS spoken USING (channel_id)
    JOIN int_speech AS speech ON speech.channel_id = spoken.channel_id AND speech.seq = spoken.seq
    LEFT JOIN int_channel_lives AS lives ON lives.channel_id = spoken.channel_id
    WINDOW of_source AS (PARTITION BY spoken.channel_id ORDER BY spoken.seq)
)

SELECT
    timed.* REPLACE (
        timed.has_start AND NOT COALESCE(
            epoch_ms(receipts.received_at) - epoch_ms(settings.set_at) BETWEEN -100 AND 100, false
        ) AS has_start
    )
FROM timed
LEFT JOIN stg_receipts AS receipts ON receipts.seq = timed.started_seq
ASOF LEFT JOIN int_talk_settings AS settings
    ON settings.channel_id = timed.source_id AND timed.started_seq >= settings.seq
