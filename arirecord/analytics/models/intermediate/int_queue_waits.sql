-- One row is one wait of a caller in app_queue. Identified by `channel_id` and `seq`, the step into the queue.
-- It ends with the first of: a bridge with an agent, the next step in the dialplan, the reason for leaving
-- (app_queue's QUEUESTATUS), the channel's end.
WITH reported_entries AS (
    SELECT channel_id, split_part(app_data, ',', 1) AS queue, event_at, min(seq) AS seq
    FROM int_dialplan_steps
    WHERE app = 'Queue'
    GROUP BY ALL
    UNION ALL
    -- Asterisk reports no step where a transfer leads: the first event that shows the channel in the queue stands for
    -- it.
    SELECT channel_id, split_part(dialplan_app_data, ',', 1), min(event_at), min(seq)
    FROM stg_channel_events
    WHERE dialplan_app = 'Queue'
        AND channel_id IN (SELECT channel_id FROM int_channel_lives WHERE created_seq IS NOT NULL)
    GROUP BY channel_id, dialplan_app_data, context, exten, priority
    HAVING NOT bool_or(event_type = 'ChannelDialplan')
),

-- For a channel that is transferred or leaves a queue, Asterisk reports the queue once more at its next step.
entries AS (
    SELECT reported_entries.*
    FROM reported_entries
    ANTI JOIN int_bridge_stays AS stays
        ON stays.channel_id = reported_entries.channel_id AND NOT stays.is_holding
        AND stays.entered_seq < reported_entries.seq AND COALESCE(stays.left_seq > reported_entries.seq, true)
),

steps AS (
    SELECT channel_id, seq, event_at, 'entry' AS step, queue, NULL AS status FROM entries
    UNION ALL
    SELECT channel_id, seq, event_at, 'dialplan', NULL, NULL
    FROM int_dialplan_steps
    WHERE app IS DISTINCT FROM 'Queue' AND channel_id IN (SELECT channel_id FROM entries)
    UNION ALL
    SELECT channel_id, seq, event_at, 'status', NULL, "value"
    FROM stg_variables
    WHERE variable = 'QUEUESTATUS' AND "value" <> '' AND channel_id IN (SELECT channel_id FROM entries)
    UNION ALL
    SELECT channel_id, seq, event_at, 'bridge', NULL, NULL
    FROM int_queue_bridges
    WHERE channel_id IN (SELECT channel_id FROM entries)
    UNION ALL
    SELECT channel_id, ended_seq, ended_at, 'end', NULL, NULL
    FROM int_channel_lives
    WHERE ended_seq IS NOT NULL AND channel_id IN (SELECT channel_id FROM entries)
),

followed AS (
    SELECT
        *,
        lead(step) OVER steps_of_channel AS next_step,
        lag(step) OVER steps_of_channel = 'entry' AND lag(queue) OVER steps_of_channel = queue AS is_repeat_report,
        lead(status) OVER steps_of_channel AS next_status,
        lead(event_at) OVER steps_of_channel AS next_at,
        lead(seq) OVER steps_of_channel AS next_seq
    FROM steps
    WINDOW steps_of_channel AS (PARTITION BY channel_id ORDER BY seq)
)

SELECT
    channel_id,
    'app_queue' AS kind,
    queue,
    event_at AS entered_at,
    next_at AS left_at,
    seq,
    next_seq AS left_seq,
    CASE next_step
        WHEN 'bridge' THEN 'answered'
        WHEN 'end' THEN 'abandoned'
        WHEN 'status' THEN lower(next_status)
        WHEN 'dialplan' THEN 'left'
        WHEN 'entry' THEN 'left'
    END AS outcome
FROM followed
WHERE step = 'entry' AND is_repeat_report IS NOT true
