-- One row is one channel that any event named, with the recorded moments of its life. Identified by `channel_id`.
WITH seen AS (
    SELECT
        channel_id,
        min(seq) AS first_seq,
        max(seq) AS last_seq,
        min(seq) FILTER (event_type = 'ChannelCreated') AS created_seq,
        min(event_at) FILTER (event_type = 'ChannelCreated') AS created_at,
        min(event_at) FILTER (is_state AND channel_state IN ('Ring', 'Ringing')) AS ringing_at,
        min(event_at) FILTER (event_type = 'ChannelStateChange' AND channel_state = 'Up') AS answered_at,
        min(seq) FILTER (event_type = 'ChannelStateChange' AND channel_state = 'Up') AS answered_seq,
        min(event_at) FILTER (event_type = 'ChannelDestroyed') AS ended_at,
        min(seq) FILTER (event_type = 'ChannelDestroyed') AS ended_seq,
        bool_or(channel_state = 'Up') AS is_answered,
        bool_or(is_state AND channel_state = 'Ring') AS is_calling,
        max(seq) FILTER (event_type = 'ChannelHangupRequest') AS requested_seq,
        max(seq) FILTER (event_type = 'StasisEnd') AS left_seq,
        max(event_at) FILTER (event_type = 'StasisEnd') AS left_at
    FROM (
        SELECT *, event_type IN ('ChannelCreated', 'ChannelStateChange') AS is_state
        FROM stg_channel_events
    )
    GROUP BY channel_id
),

lives AS (
    SELECT
        channel_id,
        least(seen.first_seq, dialled.first_seq) AS first_seq,
        greatest(seen.last_seq, dialled.last_seq) AS last_seq,
        seen.* EXCLUDE (channel_id, first_seq, last_seq, is_answered, requested_seq, left_seq, left_at),
        -- An app may not receive events of a channel after this one. One that is hung up leaves it at its end, up to
        -- 15 ms before it (822 channels, held against CEL).
        CASE WHEN left_seq = seen.last_seq OR left_seq > requested_seq THEN left_at END AS gone_at,
        -- One that leaves without a request to hang it up goes on in the dialplan.
        ended_seq IS NOT NULL OR COALESCE(left_seq > requested_seq, false) AS is_over,
        seen.channel_id IS NULL AS is_only_dialled,
        dialled.channel_id IS NOT NULL AS is_dialled,
        COALESCE(seen.is_answered, false) OR COALESCE(dialled.is_answered, false) AS is_answered,
        dialled.answered_number,
        dialled.has_given_number
    FROM seen
    FULL JOIN int_dialled AS dialled USING (channel_id)
)

SELECT
    lives.*,
    list_bool_or(list_transform(gap_seqs, lambda g: g > first_seq AND (g < last_seq OR NOT is_over))) IS NOT true
        AS is_unbroken,
    -- One that ends before it begins or is answered is of a clock that was set back.
    created_at IS NOT NULL AND ms_between(greatest(created_at, answered_at), ended_at) IS NOT NULL AND is_unbroken
        AS is_complete
FROM lives
CROSS JOIN (SELECT list(seq) AS gap_seqs FROM int_gaps) AS gaps
