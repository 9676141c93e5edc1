-- One row is one state that a channel was in, from one event to the next. Identified by `channel_id` and `seq`.
WITH steps AS (
    SELECT channel_id, channel_state, event_at, min(seq) AS seq
    FROM stg_channel_events
    WHERE event_type IN ('ChannelCreated', 'ChannelStateChange')
    GROUP BY channel_id, channel_state, event_at
),

spans AS (
    SELECT
        *,
        lead(event_at) OVER (PARTITION BY channel_id ORDER BY seq) AS next_at,
        lead(seq) OVER (PARTITION BY channel_id ORDER BY seq) AS next_seq
    FROM steps
)

SELECT
    calls.call_id,
    spans.channel_id,
    facts.channel_name,
    spans.channel_state,
    spans.event_at AS started_at,
    CASE WHEN spans.next_seq IS NULL THEN lives.ended_at ELSE spans.next_at END AS ended_at,
    (
        epoch_ms(CASE WHEN spans.next_seq IS NULL THEN lives.ended_at ELSE spans.next_at END)
        - epoch_ms(spans.event_at)
    ) / 1000 AS duration_s,
    spans.seq
FROM spans
JOIN int_channel_lives AS lives USING (channel_id)
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_call_channels AS calls USING (channel_id)
