-- One row is one media leg whose request a tap recorded, with the moments of its set-up by the recorder's clock.
-- Identified by `channel_id`.
SELECT
    legs.call_id,
    legs.channel_id,
    requests.asked_at,
    up.received_at AS up_at,
    bridged.received_at AS bridged_at,
    sounds.received_at AS sound_at
FROM int_legs AS legs
JOIN (
    SELECT channel_id, min(asked_at) AS asked_at
    FROM stg_originations
    JOIN stg_requests USING (seq)
    GROUP BY channel_id
) AS requests USING (channel_id)
JOIN int_channel_lives AS lives USING (channel_id)
LEFT JOIN stg_receipts AS up ON up.seq = lives.answered_seq
LEFT JOIN (
    SELECT channel_id, min(entered_seq) AS entered_seq FROM int_bridge_stays GROUP BY channel_id
) AS stays USING (channel_id)
LEFT JOIN stg_receipts AS bridged ON bridged.seq = stays.entered_seq
LEFT JOIN (
    SELECT channel_id, min(started_seq) AS started_seq FROM int_leg_speech WHERE has_start GROUP BY channel_id
) AS spoken USING (channel_id)
LEFT JOIN stg_receipts AS sounds ON sounds.seq = spoken.started_seq
WHERE legs.role = 'media'
