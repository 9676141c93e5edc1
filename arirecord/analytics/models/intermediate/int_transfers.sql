-- One row is one transfer. Identified by `seq`, its event's first. Frames that Asterisk sent twice count once.
-- A party that the event does not name is known from the bridges, see `int_transfer_partners`.
WITH announced AS (
    SELECT * EXCLUDE (seq), min(seq) AS seq, false AS is_inferred
    FROM stg_transfers
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT *, true AS is_inferred
    FROM int_unannounced_transfers
    UNION ALL BY NAME
    SELECT *, true AS is_inferred
    FROM int_moves_by_apps
)

SELECT announced.* REPLACE (
    COALESCE(announced.transferee_channel_id, transferees.channel_id) AS transferee_channel_id,
    COALESCE(announced.target_channel_id, targets.channel_id) AS target_channel_id
)
FROM announced
LEFT JOIN int_transfer_partners AS transferees ON transferees.seq = announced.seq AND transferees.side = 'transferee'
LEFT JOIN int_transfer_partners AS targets ON targets.seq = announced.seq AND targets.side = 'target'
UNION ALL BY NAME
SELECT *, false AS is_inferred
FROM int_refers
