-- One row is one channel that any event named, with its first and last known values. Identified by `channel_id`.
-- First values come from its creation, last values from its end; only for channels without these the whole recording is
-- searched. Without its creation, `created_at` is the channel's own creation time, and `made_seq`, which orders channels
-- by creation, that of the last channel made before. A channel of an unknown technology is media if no channel dialled
-- it, it has no number, and it was up at once: a phone rings.
WITH sightings AS MATERIALIZED (
    SELECT DISTINCT ON (events.channel_id, events.seq) events.*
    FROM (
        SELECT channel_id, first_seq AS seq FROM int_channel_lives WHERE created_seq IS NULL
        UNION
        SELECT channel_id, last_seq FROM int_channel_lives WHERE ended_seq IS NULL
    ) AS wanted
    JOIN (FROM stg_channel_events UNION ALL BY NAME SELECT * EXCLUDE (dial_role) FROM stg_dialled_channels) AS events
        ON events.seq = wanted.seq AND events.channel_id = wanted.channel_id
),

firsts AS (
    FROM stg_channel_events
    WHERE event_type = 'ChannelCreated'
    UNION ALL BY NAME
    SELECT sightings.*, before.created_seq AS after_seq
    FROM sightings
    ASOF LEFT JOIN (SELECT created_at, max(created_seq) AS created_seq FROM int_channel_lives GROUP BY ALL) AS before
        ON before.created_at <= sightings.channel_created_at
    WHERE sightings.event_type <> 'ChannelCreated'
),

lasts AS (
    FROM stg_channel_ends
    UNION ALL BY NAME
    FROM sightings
    WHERE event_type <> 'ChannelDestroyed'
),

-- Events may report a channel's number after its end.
late AS (
    SELECT channel_id, arg_max(caller_number, seq) AS caller_number
    FROM stg_channel_events AS events
    SEMI JOIN int_channel_lives AS lives ON lives.channel_id = events.channel_id AND events.seq > lives.ended_seq
    WHERE event_type = 'ChannelCallerId'
    GROUP BY channel_id
)

SELECT
    lives.channel_id, firsts.asterisk_id, COALESCE(firsts.channel_name, lasts.channel_name) AS channel_name,
    split_part(firsts.channel_name, '/', 1) AS technology,
    COALESCE(is_helper(firsts.channel_name), false) OR COALESCE(undialled.is_probe, false) AS is_helper,
    lives.channel_id IN (SELECT channel_id FROM stg_originations WHERE is_external_media) IS true
        OR COALESCE(is_media(firsts.channel_name) OR (
            is_quick_media(firsts.channel_name, firsts.channel_state, ms_between(lives.created_at, lives.answered_at))
            AND COALESCE(firsts.caller_number, firsts.connected_number, lives.ringing_at::VARCHAR) IS NULL
            AND (lives.channel_id IN (SELECT peer_channel_id FROM int_dials WHERE caller_channel_id <> '')) IS NOT true
        ), false) AS is_media, firsts.channel_state AS first_state,
    COALESCE(lives.created_at, CASE WHEN NOT is_time_of_another(firsts.channel_created_at, lives.channel_id)
        THEN firsts.channel_created_at END) AS created_at,
    COALESCE(
        firsts.caller_number = firsts.connected_number, firsts.caller_number IS NULL AND lives.has_given_number, false
    ) AS is_number_given,
    CASE WHEN lives.created_seq IS NOT NULL OR NOT is_number_given
        THEN COALESCE(firsts.caller_number, lives.answered_number, lasts.caller_number) END AS caller_number,
    COALESCE(late.caller_number, lasts.caller_number, firsts.caller_number) AS last_caller_number,
    COALESCE(firsts.caller_name, lasts.caller_name) AS caller_name, lives.ringing_at, lives.answered_at,
    COALESCE(lives.ended_at, CASE WHEN lives.is_over THEN lives.gone_at END) AS ended_at, firsts.exten, firsts.context,
    COALESCE(firsts.connected_number, lasts.connected_number) AS connected_number, lasts.exten AS last_exten,
    lasts.connected_number AS last_connected_number, lasts.connected_name AS last_connected_name, lasts.accountcode,
    lasts.protocol_id, channel_key(linkedid_of(COALESCE(lasts.channelvars, firsts.channelvars)), lasts.seq) AS linkedid,
    lasts.seq AS linkedid_seq, lasts.hangup_cause, lasts.hangup_cause_txt,
    CASE WHEN undialled.channel_id IS NULL THEN lasts.tech_cause END AS tech_cause,
    lives.gone_at, lasts.event_at AS last_at, lives.is_only_dialled, lives.ended_seq IS NOT NULL AS is_ended,
    lives.is_answered, lives.is_calling, lives.is_complete, lives.is_over, lives.is_unbroken, lives.first_seq,
    lives.created_seq IS NOT NULL AS is_created, lives.last_seq,
    -- Recorded since before it could do anything, or since an app received it.
    COALESCE(lives.created_seq IS NOT NULL OR firsts.channel_state <> 'Up' OR lives.first_seq = lives.answered_seq
        OR firsts.event_type IN ('CallBroadcast', 'StasisStart'), false) AS has_start,
    has_start AND lives.is_unbroken AS is_tracked, COALESCE(lives.created_seq, firsts.after_seq, -1) AS made_seq
FROM int_channel_lives AS lives
JOIN firsts ON firsts.channel_id = lives.channel_id AND firsts.seq = COALESCE(lives.created_seq, lives.first_seq)
JOIN lasts ON lasts.channel_id = lives.channel_id AND lasts.seq = COALESCE(lives.ended_seq, lives.last_seq)
LEFT JOIN late ON late.channel_id = lives.channel_id
LEFT JOIN int_undialled AS undialled ON undialled.channel_id = lives.channel_id
