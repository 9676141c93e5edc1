-- One row is one channel that enters (`is_entry`) or leaves a bridge. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    type = 'ChannelEnteredBridge' AS is_entry,
    channel_key(channel_id, seq) AS channel_id,
    bridge_key(bridge_id, seq) AS bridge_id,
    channel_keys(bridge_channels, seq) AS bridge_channel_ids,
    bridge_bridge_type AS bridge_type,
    bridge_bridge_class AS bridge_class,
    bridge_creator,
    NULLIF(bridge_name, '') AS bridge_name,
    COALESCE(bridge_bridge_type = 'holding', false) AS is_holding
FROM bridge_events
WHERE channel_id IS NOT NULL AND bridge_id IS NOT NULL
