-- One row is one finding about a bridge: a party that stays in it alone, or a bridge that an app did not destroy.
-- Identified by `rule`, `call_id`, `channel_id` and `seq`.
WITH stays_of_calls AS (
    SELECT stays.*, calls.call_id
    FROM int_bridge_stays AS stays
    JOIN int_call_channels AS calls USING (channel_id)
),

changes AS (
    SELECT call_id, bridge_id, COALESCE(entered_seq, -1) AS seq, entered_at AS changed_at, 1 AS change
    FROM stays_of_calls
    WHERE NOT is_holding
    UNION ALL
    SELECT call_id, bridge_id, left_seq, left_at, -1
    FROM stays_of_calls
    WHERE NOT is_holding AND left_seq IS NOT NULL
),

member_counts AS (
    SELECT
        *,
        sum(change) OVER (PARTITION BY bridge_id ORDER BY seq, change DESC) AS member_count,
        lead(changed_at) OVER (PARTITION BY bridge_id ORDER BY seq, change DESC) AS next_at
    FROM changes
),

-- A channel that waits for others in a conference has a call of its own.
lonely_stays AS (
    SELECT
        stays.call_id, stays.channel_id, counts.seq, counts.changed_at,
        epoch_ms(COALESCE(counts.next_at, recording.ended_at)) - epoch_ms(counts.changed_at) AS alone_ms
    FROM member_counts AS counts
    JOIN stays_of_calls AS stays
        ON stays.bridge_id = counts.bridge_id AND stays.call_id = counts.call_id
        AND COALESCE(stays.entered_seq < counts.seq, true) AND COALESCE(stays.left_seq > counts.seq, true)
    CROSS JOIN int_recording_facts AS recording
    WHERE counts.change = -1 AND counts.member_count = 1
),

empty_bridges AS (
    SELECT bridge_id, any_value(call_id) AS call_id, max(left_at) AS left_at
    FROM stays_of_calls
    GROUP BY bridge_id
    HAVING count(DISTINCT call_id) = 1 AND count(left_at) = count(*)
)

SELECT
    'lonely-in-bridge' AS rule, 'warning' AS severity,
    format('stayed alone in a bridge for {:.1f} s after all others had left', alone_ms / 1000) AS finding,
    call_id, channel_id, seq, changed_at AS event_at
FROM lonely_stays
WHERE alone_ms > 5000
UNION ALL
SELECT
    'bridge-left-behind', 'note',
    format(
        'the app did not destroy its bridge {} after all channels had left it',
        COALESCE(any_value(created.bridge_name), plain_id(bridges.bridge_id))
    ),
    bridges.call_id, NULL, min(created.seq), min(created.event_at)
FROM empty_bridges AS bridges
JOIN stg_bridge_lives AS created
    ON created.bridge_id = bridges.bridge_id AND created.step = 'created' AND created.bridge_class = 'stasis'
JOIN int_call_spans AS spans ON spans.call_id = bridges.call_id AND created.seq >= spans.first_seq
CROSS JOIN int_recording_facts AS recording
ANTI JOIN stg_bridge_lives AS ended ON ended.bridge_id = bridges.bridge_id AND ended.step <> 'created'
WHERE recording.ended_at - bridges.left_at > INTERVAL 5 SECONDS
GROUP BY bridges.bridge_id, bridges.call_id
