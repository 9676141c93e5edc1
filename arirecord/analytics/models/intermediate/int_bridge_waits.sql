-- One row is one wait of a channel in a holding bridge: an app's queue, a parking lot. Identified by `channel_id` and
-- `seq`. The outcome is answered if the channel can talk in its next bridge, abandoned if it ended before. It is left
-- if the channel goes on in the dialplan without a hangup request; from a parking lot that is a timeout.
-- Asterisk's helpers and agents that wait for calls (app_agent_pool) do not count as callers. Neither does a stay after
-- a conversation, which is a hold, nor a stay of a station, or in a holding bridge in which only stations wait.
WITH followed AS (
    SELECT
        *,
        lead(is_holding) OVER stays_of_channel AS is_next_holding,
        lead(entered_seq) OVER stays_of_channel AS next_seq
    FROM int_bridge_stays
    WHERE channel_id IN (SELECT channel_id FROM int_bridge_stays WHERE is_holding)
    WINDOW stays_of_channel AS (PARTITION BY channel_id ORDER BY COALESCE(entered_seq, -1), left_seq)
),

gone_on AS (
    SELECT stays.channel_id, stays.left_seq
    FROM followed AS stays
    JOIN int_dialplan_steps AS steps
        ON steps.channel_id = stays.channel_id
        AND steps.seq > stays.left_seq AND COALESCE(steps.seq < stays.next_seq, true)
    LEFT JOIN int_hangup_requests AS asked
        ON asked.channel_id = stays.channel_id AND COALESCE(asked.seq > stays.entered_seq, true) AND asked.seq < steps.seq
    WHERE stays.is_holding AND asked.seq IS NULL
    GROUP BY ALL
),

talked AS (
    SELECT mine.channel_id, min(greatest(mine.entered_seq, others.entered_seq)) AS seq
    FROM int_talk_parts AS mine
    JOIN int_talk_parts AS others
        ON others.bridge_id = mine.bridge_id AND others.channel_id <> mine.channel_id AND others.role <> 'media'
        AND COALESCE(others.entered_seq < mine.left_seq, true) AND COALESCE(others.left_seq > mine.entered_seq, true)
    WHERE mine.channel_id IN (SELECT channel_id FROM followed)
    GROUP BY mine.channel_id
)

SELECT
    stays.channel_id,
    CASE bridges.bridge_class WHEN 'parking' THEN 'parking' ELSE 'holding_bridge' END AS kind,
    COALESCE(bridges.bridge_name, stays.bridge_id) AS queue,
    stays.entered_at, stays.left_at,
    COALESCE(stays.entered_seq, stays.left_seq) AS seq, stays.left_seq, stays.next_seq AS bridge_seq,
    CASE
        WHEN stays.left_seq IS NULL THEN NULL
        WHEN gone_on.left_seq IS NOT NULL AND bridges.bridge_class = 'parking' THEN 'timeout'
        WHEN gone_on.left_seq IS NOT NULL THEN 'left'
        WHEN stays.next_seq IS NOT NULL AND NOT stays.is_next_holding THEN 'answered'
        WHEN stays.next_seq IS NOT NULL THEN 'left'
        -- The transferer's second channel gives its place in the holding bridge to the transferee.
        WHEN (stays.channel_id, stays.bridge_id) IN (
            SELECT (transferer_second_channel_id, second_bridge_id) FROM int_transfers WHERE result = 'Success'
        ) THEN 'left'
        WHEN lives.ended_seq IS NOT NULL THEN 'abandoned'
    END AS outcome
FROM followed AS stays
JOIN int_bridges AS bridges USING (bridge_id)
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_channel_lives AS lives USING (channel_id)
LEFT JOIN talked ON talked.channel_id = stays.channel_id AND talked.seq < stays.entered_seq
LEFT JOIN gone_on ON gone_on.channel_id = stays.channel_id AND gone_on.left_seq = stays.left_seq
WHERE stays.is_holding AND NOT facts.is_helper AND COALESCE(NOT starts_with(bridges.bridge_class, 'agent'), true)
    AND (
        bridges.bridge_class = 'parking' OR (
            talked.seq IS NULL
            AND (stays.channel_id, stays.bridge_id) NOT IN (SELECT (channel_id, bridge_id) FROM int_stations)
            AND stays.bridge_id NOT IN (SELECT bridge_id FROM int_stations WHERE NOT is_shared)
        )
    )
