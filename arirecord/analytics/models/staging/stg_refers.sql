-- One row is one `ChannelTransfer`: a REFER that an app handles itself, or a report of its progress (`state`).
-- Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    state,
    channel_key(referred_by_source_channel_id, seq) AS transferer_channel_id,
    channel_key(referred_by_connected_channel_id, seq) AS transferee_channel_id,
    bridge_key(referred_by_bridge_id, seq) AS bridge_id,
    NULLIF(refer_to_requested_destination_destination, '') AS destination,
    NULLIF(refer_to_requested_destination_protocol_id, '') AS protocol_id,
    channel_key(refer_to_destination_channel_id, seq) AS second_channel_id,
    channel_key(refer_to_connected_channel_id, seq) AS target_channel_id,
    bridge_key(refer_to_bridge_id, seq) AS second_bridge_id
FROM ChannelTransfer
