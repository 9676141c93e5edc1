-- One row is one channel whose creation, ringing, answer or end is in the recording, with the times of these.
-- Identified by `channel_id`.
WITH states AS (
    SELECT * FROM stg_channel_events
    WHERE event_type IN ('ChannelCreated', 'ChannelStateChange')
),

began AS (
    SELECT
        channel_id,
        min(event_at) FILTER (event_type = 'ChannelCreated') AS created_at,
        min(event_at) FILTER (channel_state IN ('Ring', 'Ringing')) AS ringing_at,
        min(event_at) FILTER (event_type = 'ChannelStateChange' AND channel_state = 'Up') AS answered_at,
        min(seq) FILTER (event_type = 'ChannelStateChange' AND channel_state = 'Up') AS answered_seq
    FROM states
    GROUP BY channel_id
),

ended AS (
    SELECT
        channel_id,
        timestamp AS ended_at,
        seq AS ended_seq,
        cause AS hangup_cause,
        cause_txt AS hangup_cause_txt,
        tech_cause
    FROM ChannelDestroyed
    WHERE channel_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY channel_id ORDER BY seq) = 1
)

SELECT *
FROM began
FULL JOIN ended USING (channel_id)
