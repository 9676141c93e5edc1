-- One row is one interval of speech with its times in milliseconds. Identified by `channel_id` and `seq`.
-- An interval without an end is not speech until the channel's end. Times that are not known are NULL, and
-- `unknown_reason` says why.
WITH judged AS (
    SELECT
        delays.*,
        CASE
            WHEN finished_at IS NOT NULL THEN false
            WHEN lives.ended_seq > delays.seq AND NOT is_restarted AND (gaps.seq IS NULL OR gaps.seq < delays.seq)
            THEN true
        END AS is_cut_off,
        -- A channel whose audio stops in pauses brings no silence: its intervals end in the next sentence, or never.
        bool_or(epoch_ms(next_at) - epoch_ms(finished_at) >= 1000) OVER of_channel IS true
            OR last_value(finished_at) OVER of_channel IS NOT NULL AS has_pause,
        epoch_ms(lives.created_at) AS created_ms,
        epoch_ms(lives.ended_at) AS ended_ms,
        CASE
            WHEN is_restarted THEN 'stopped'
            WHEN is_cut_off THEN 'hangup'
            WHEN finished_at IS NULL THEN 'not recorded'
            WHEN silence_ms < -100 THEN 'clock'
            WHEN paused.seq > started_seq THEN 'paused'
            WHEN NOT has_pause THEN 'no silence'
            WHEN is_rate_unknown AND delay_ms IS NULL THEN 'rate'
            WHEN delay_ms IS NULL THEN 'not recorded'
        END AS reason
    FROM int_speech_delays AS delays
    LEFT JOIN int_channel_lives AS lives USING (channel_id)
    ASOF LEFT JOIN int_gaps AS gaps ON lives.ended_seq >= gaps.seq
    ASOF LEFT JOIN int_speech_pauses AS paused
        ON paused.channel_id = delays.channel_id AND delays.seq >= paused.seq
    WINDOW of_channel AS (
        PARTITION BY delays.channel_id ORDER BY delays.seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
),

timed AS (
    SELECT
        *,
        CASE WHEN reason IS NULL THEN least(epoch_ms(finished_at) - delay_ms, ended_ms)::BIGINT END AS until_ms,
        -- Speech begins within the life of its channel. The duration counts back from the end as at 8 kHz.
        greatest(
            CASE
                WHEN started_at IS NOT NULL AND NOT is_torn THEN epoch_ms(started_at)
                WHEN reason IS NULL THEN (epoch_ms(finished_at) - threshold_ms - duration_ms)::BIGINT
            END,
            created_ms
        ) AS from_ms
    FROM judged
)

SELECT
    channel_id,
    seq,
    from_ms,
    CASE WHEN until_ms >= from_ms THEN until_ms END AS to_ms,
    CASE
        WHEN until_ms >= from_ms THEN until_ms - from_ms
        -- Without its beginning the times are not known, but the duration is.
        WHEN started_at IS NULL AND reason = 'not recorded' AND duration_ms >= 0 THEN duration_ms
    END AS spoken_ms,
    is_cut_off,
    COALESCE(reason, CASE WHEN until_ms < from_ms THEN 'clock' END) AS unknown_reason
FROM timed
