-- One row is one creation, end or merging (into another one) of a bridge. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    'created' AS step,
    bridge_key(bridge_id, seq) AS bridge_id,
    NULLIF(bridge_name, '') AS bridge_name,
    bridge_bridge_class AS bridge_class
FROM BridgeCreated
UNION ALL
SELECT seq, event_time(timestamp, received_at, seq), 'destroyed', bridge_key(bridge_id, seq), NULL, NULL
FROM BridgeDestroyed
UNION ALL
SELECT seq, event_time(timestamp, received_at, seq), 'merged', bridge_key(bridge_from_id, seq), NULL, NULL
FROM BridgeMerged
