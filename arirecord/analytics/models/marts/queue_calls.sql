-- One row is one wait of a caller in a queue: app_queue, an app's holding bridge or a parking lot. Identified by
-- `channel_id` and `seq`. The channel that the caller reached is NULL if there was none or it is not known.
WITH waits AS (
    FROM int_queue_waits
    UNION ALL BY NAME
    FROM int_bridge_waits
),

dialled AS (
    SELECT
        waits.channel_id, waits.seq,
        count(*) AS attempt_count,
        arg_max(attempts.peer_channel_id, attempts.ended_seq) FILTER (attempts.dial_status = 'ANSWER') AS agent_id
    FROM int_queue_waits AS waits
    JOIN int_dial_attempts AS attempts
        ON attempts.caller_channel_id = waits.channel_id
        AND attempts.seq > waits.seq AND attempts.seq < COALESCE(waits.left_seq, attempts.seq + 1)
    GROUP BY waits.channel_id, waits.seq
),

-- A channel that picked the call up, took it from parking, or was brought to it by an app was not dialled.
met AS (
    SELECT waits.channel_id, waits.seq, arg_min(others.channel_id, others.entered_seq) AS agent_id
    FROM waits
    JOIN int_bridge_stays AS mine
        ON mine.channel_id = waits.channel_id AND mine.entered_seq = COALESCE(waits.bridge_seq, waits.left_seq)
    JOIN int_bridge_stays AS others
        ON others.bridge_id = mine.bridge_id AND others.channel_id <> mine.channel_id
        AND COALESCE(others.entered_seq < mine.left_seq, true) AND COALESCE(others.left_seq > mine.entered_seq, true)
    JOIN int_channel_facts AS facts ON facts.channel_id = others.channel_id AND NOT facts.is_helper
    GROUP BY waits.channel_id, waits.seq
),

agents AS (
    SELECT
        waits.channel_id, waits.seq, dialled.attempt_count,
        CASE WHEN waits.outcome = 'answered' THEN COALESCE(dialled.agent_id, met.agent_id) END AS agent_id
    FROM waits
    LEFT JOIN dialled ON dialled.channel_id = waits.channel_id AND dialled.seq = waits.seq
    LEFT JOIN met ON met.channel_id = waits.channel_id AND met.seq = waits.seq
)

SELECT
    calls.call_id,
    waits.channel_id,
    facts.channel_name,
    facts.caller_number,
    waits.kind,
    waits.queue,
    waits.entered_at,
    waits.left_at,
    waits.outcome,
    seconds_between(waits.entered_at, waits.left_at) AS wait_s,
    agents.agent_id AS answered_by_channel_id,
    agent.channel_name AS answered_by_channel_name,
    reached.channel_id AS reached_channel_id,
    reached.channel_name AS reached_channel_name,
    CASE WHEN waits.kind = 'app_queue' THEN COALESCE(agents.attempt_count, 0) END AS attempt_count,
    waits.outcome IS NOT NULL AND waits.entered_at IS NOT NULL AND NOT EXISTS (
        FROM int_gaps AS gaps WHERE gaps.seq BETWEEN waits.seq AND waits.left_seq
    ) AS is_complete,
    waits.seq
FROM waits
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_call_channels AS calls USING (channel_id)
JOIN agents ON agents.channel_id = waits.channel_id AND agents.seq = waits.seq
LEFT JOIN int_channel_facts AS agent ON agent.channel_id = agents.agent_id
LEFT JOIN int_behind_locals AS behind ON behind.channel_id = agent.channel_id
LEFT JOIN int_channel_facts AS reached ON reached.channel_id = COALESCE(behind.reached_channel_id, agent.channel_id)
