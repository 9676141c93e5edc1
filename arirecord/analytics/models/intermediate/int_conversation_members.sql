-- One row is one conversation, with its members. Identified by `bridge_id` and `conversation`, its number in it.
-- The first channel in a bridge takes part in the next conversation, and in all later ones until it leaves.
WITH stays AS (
    SELECT
        bridge_id, channel_id, seq, change,
        CASE WHEN channel_count >= 2 THEN conversation ELSE conversation + 1 END AS first_conversation,
        COALESCE(
            lead(conversation) OVER (PARTITION BY bridge_id, channel_id ORDER BY seq, change DESC),
            last_of_bridge
        ) AS last_conversation
    FROM int_conversation_steps
    JOIN (
        SELECT bridge_id, max(conversation) AS last_of_bridge FROM int_conversation_steps GROUP BY bridge_id
    ) USING (bridge_id)
),

members AS (
    SELECT bridge_id, channel_id, seq, unnest(range(first_conversation, last_conversation + 1)) AS conversation
    FROM stays
    WHERE change = 1
)

SELECT
    bridge_id,
    conversation,
    arg_min(channel_id, (seq, channel_id), 16) AS channel_ids,
    arg_min(facts.caller_number, (seq, channel_id), 16) AS numbers,
    bool_or(facts.technology = 'Local' AND ends_with(facts.channel_name, ';2')) AS is_relayed
FROM members
JOIN int_channel_facts AS facts USING (channel_id)
GROUP BY bridge_id, conversation
