-- One row is one interval of speech in a call: on a leg, or a playback. Identified by `seq`, and `source_id` for legs.
-- A playback of silence or of a tone is not speech. Asterisk reports the beginning of a playback, which may be silence
-- in the sound file.
WITH played AS (
    SELECT
        COALESCE(calls.call_id, bridges.call_id) AS call_id,
        plays.*,
        list_transform(
            plays.media_uris, lambda uri: NOT (starts_with(uri, 'tone:') OR starts_with(uri, 'sound:silence/'))
        ) AS are_speech
    FROM int_playbacks AS plays
    LEFT JOIN int_call_channels AS calls ON calls.channel_id = plays.channel_id
    ASOF LEFT JOIN int_bridge_calls AS bridges
        ON bridges.bridge_id = plays.bridge_id AND bridges.seq <= plays.first_seq
    WHERE plays.started_at IS NOT NULL
)

SELECT legs.call_id, NULL AS bridge_id, speech.*
FROM int_leg_speech AS speech
JOIN int_legs AS legs USING (channel_id)
UNION ALL BY NAME
SELECT
    call_id, bridge_id, channel_id,
    'PlaybackStarted' AS source,
    playback_id AS source_id,
    last_seq AS seq,
    first_seq AS started_seq,
    epoch_ms(started_at) AS from_ms,
    epoch_ms(ended_at) AS to_ms,
    COALESCE(to_ms, 32503680000000) AS until_ms,
    NULL AS silence_ms,
    CASE WHEN ended_at IS NULL THEN 'not recorded' END AS unknown_reason,
    false AS is_cut_off,
    are_speech[1] AS has_start
FROM played
WHERE list_bool_or(are_speech) AND (state = 'failed' AND epoch_ms(ended_at) - epoch_ms(started_at) < 100) IS NOT true
    AND call_id IS NOT NULL
