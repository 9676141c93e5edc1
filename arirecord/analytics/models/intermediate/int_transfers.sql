-- One row is one transfer. Identified by `seq`, its event's first. Frames that Asterisk sent twice count once.
WITH told AS (
    SELECT * EXCLUDE (seq), min(seq) AS seq, false AS is_inferred
    FROM stg_transfers
    GROUP BY ALL
),

-- Asterisk leaves the target out when a transferer hangs up early: it is the party bridged with the second channel.
asked AS (
    SELECT told.seq, arg_max(others.channel_id, others.entered_seq) AS channel_id
    FROM told
    JOIN int_bridge_stays AS mine
        ON mine.channel_id = told.transferer_second_channel_id AND mine.bridge_id = told.second_bridge_id
        AND mine.entered_seq < told.seq
    JOIN int_bridge_stays AS others
        ON others.bridge_id = mine.bridge_id
        AND others.channel_id <> mine.channel_id AND others.channel_id <> told.transferee_channel_id
        AND others.entered_seq < mine.left_seq AND COALESCE(others.left_seq > mine.entered_seq, true)
    WHERE told.target_channel_id IS NULL
    GROUP BY told.seq
)

SELECT told.* REPLACE (COALESCE(told.target_channel_id, asked.channel_id) AS target_channel_id)
FROM told
LEFT JOIN asked USING (seq)
UNION ALL BY NAME
SELECT *, true AS is_inferred
FROM int_unannounced_transfers
UNION ALL BY NAME
SELECT *, false AS is_inferred
FROM int_refers
