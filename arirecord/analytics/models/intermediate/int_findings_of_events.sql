-- One row is one finding about the order of events: an event before its channel's creation, after its end, with a time
-- that goes back, or received late. Identified by `rule`, `channel_id` and `seq`. Equal frames count once.
WITH ordered_events AS (
    SELECT
        events.channel_id, events.event_type AS type, events.event_at, events.seq,
        -- It is the bridge's event, and can be a millisecond older than the channel's event before it.
        CASE WHEN events.event_type <> 'BridgeBlindTransfer' THEN max(events.event_at) OVER (
            PARTITION BY events.channel_id ORDER BY events.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) END AS latest_at
    FROM stg_channel_events AS events
),

odd_events AS (
    SELECT
        events.channel_id, events.type, events.event_at,
        events.seq < lives.created_seq AS is_early,
        -- Asterisk sends these for channels that have ended.
        events.seq > lives.ended_seq
            AND events.type NOT IN ('ChannelCallerId', 'ChannelConnectedLine', 'ChannelVarset', 'StasisEnd')
            AND NOT (events.type = 'ChannelDestroyed' AND events.event_at = lives.ended_at)
            -- A channel that ends in a subroutine of Dial gets its place in the dialplan back while it ends.
            AND NOT (
                events.type = 'ChannelDialplan'
                AND COALESCE(epoch_ms(events.event_at) - epoch_ms(lives.ended_at) BETWEEN -100 AND 100, false)
            ) AS is_after_end,
        any_value(epoch_ms(events.latest_at) - epoch_ms(events.event_at)) AS back_ms,
        min(events.seq) AS seq
    FROM ordered_events AS events
    JOIN int_channel_lives AS lives USING (channel_id)
    WHERE is_early OR is_after_end OR events.event_at < events.latest_at
    GROUP BY ALL
),

delays AS (
    SELECT
        calls.call_id,
        events.channel_id, events.event_type AS type, events.event_at, events.seq,
        epoch_ms(events.received_at) - epoch_ms(events.event_at) AS delay_ms
    FROM stg_channel_events AS events
    JOIN int_call_channels AS calls USING (channel_id)
)

SELECT
    'event-order' AS rule, 'error' AS severity,
    arg_min(odd_events.type, odd_events.seq) || ' came before the channel was created' AS finding,
    calls.call_id, odd_events.channel_id, min(odd_events.seq) AS seq,
    arg_min(odd_events.event_at, odd_events.seq) AS event_at
FROM odd_events
JOIN int_call_channels AS calls USING (channel_id)
WHERE odd_events.is_early
GROUP BY calls.call_id, odd_events.channel_id
UNION ALL
SELECT
    'event-order', 'warning',
    format('{} has a time {:.3f} s before the previous event', odd_events.type, odd_events.back_ms / 1000),
    calls.call_id, odd_events.channel_id, odd_events.seq, odd_events.event_at
FROM odd_events
JOIN int_call_channels AS calls USING (channel_id)
WHERE odd_events.back_ms > 0
UNION ALL
SELECT
    'event-after-end', 'error',
    CASE
        WHEN odd_events.type = 'ChannelDestroyed' THEN 'the channel ended twice'
        ELSE odd_events.type || ' came after the channel had ended'
    END,
    calls.call_id, odd_events.channel_id, odd_events.seq, odd_events.event_at
FROM odd_events
JOIN int_call_channels AS calls USING (channel_id)
WHERE odd_events.is_after_end
UNION ALL
SELECT
    'late-event', 'note',
    format(
        '{} was received {:,} ms later than the fastest event', arg_max(type, delay_ms), max(delay_ms) - min(delay_ms)
    ),
    call_id, arg_max(channel_id, delay_ms), arg_max(seq, delay_ms), arg_max(event_at, delay_ms)
FROM delays
GROUP BY call_id
HAVING max(delay_ms) - min(delay_ms) > 500
