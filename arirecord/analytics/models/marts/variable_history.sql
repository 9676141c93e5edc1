-- One row is one setting of a variable, once. Identified by `seq`.
WITH twice AS (
    -- Frames that Asterisk sent twice, and events that several apps got, are few: only they are kept in mind.
    SELECT hash(asterisk_id, channel_id, variable, value, timestamp) AS same, min(seq) AS first_seq
    FROM ChannelVarset
    GROUP BY same
    HAVING count(*) > 1
)

SELECT
    settings.seq,
    settings.timestamp AS set_at,
    settings.asterisk_id,
    settings.channel_id,
    calls.call_id,
    settings.variable,
    settings.value
FROM ChannelVarset AS settings
LEFT JOIN twice
    ON twice.same = hash(
        settings.asterisk_id, settings.channel_id, settings.variable, settings.value, settings.timestamp
    )
LEFT JOIN int_call_channels AS calls ON calls.channel_id = settings.channel_id
WHERE settings.variable IS NOT NULL AND (twice.same IS NULL OR twice.first_seq = settings.seq)
