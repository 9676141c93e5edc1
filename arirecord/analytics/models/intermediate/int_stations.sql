-- One row is one agent who waits for callers in a holding bridge of an app: a channel that comes back to it after a
-- caller has ended the conversation with it. Identified by `channel_id` and `bridge_id`. `is_shared`: callers wait in
-- the same bridge.
WITH holding AS (
    SELECT * FROM int_bridge_stays WHERE is_holding
),

talks AS (
    SELECT mine.*, others.channel_id AS other_id
    FROM int_bridge_stays AS mine
    JOIN int_bridge_stays AS others ON others.bridge_id = mine.bridge_id AND others.channel_id <> mine.channel_id
    WHERE mine.channel_id IN (SELECT channel_id FROM holding) AND NOT mine.is_holding
),

stations AS (
    SELECT DISTINCT again.channel_id, again.bridge_id
    FROM holding AS again
    JOIN holding AS before ON before.channel_id = again.channel_id AND before.bridge_id = again.bridge_id
    JOIN talks
        ON talks.channel_id = again.channel_id
        AND COALESCE(talks.entered_seq > before.left_seq, true) AND talks.left_seq < again.entered_seq
    JOIN int_legs AS legs ON legs.channel_id = talks.other_id AND legs.role = 'caller'
    JOIN int_channel_lives AS lives
        ON lives.channel_id = talks.other_id AND lives.is_over AND lives.last_seq < again.entered_seq
        AND lives.first_seq > before.entered_seq
)

SELECT
    *,
    bridge_id IN (
        SELECT holding.bridge_id
        FROM holding
        ANTI JOIN stations AS own USING (channel_id, bridge_id)
        JOIN talks ON talks.channel_id = holding.channel_id AND talks.entered_seq > holding.left_seq
        JOIN stations ON stations.channel_id = talks.other_id AND stations.bridge_id = holding.bridge_id
    ) AS is_shared
FROM stations
