-- One row is one stay in a bridge of a leg of which no speech is reported. Identified by `channel_id` and `from_ms`.
-- It was silent, or talk detection was off. A media leg in a call with playbacks counts as one that only listens.
SELECT
    legs.call_id,
    legs.channel_id,
    legs.role,
    COALESCE(epoch_ms(stays.entered_at), 0) AS from_ms,
    COALESCE(epoch_ms(stays.left_at), 32503680000000) AS to_ms
FROM int_legs AS legs
JOIN int_bridge_stays AS stays USING (channel_id)
WHERE legs.role IS DISTINCT FROM 'helper'
    AND NOT stays.is_holding
    AND legs.channel_id NOT IN (SELECT channel_id FROM int_leg_speech)
    AND NOT (
        legs.role = 'media'
        AND legs.call_id IN (SELECT call_id FROM int_call_speech WHERE source = 'PlaybackStarted')
    )
