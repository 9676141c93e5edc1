-- One row is one `ChannelTransfer`: a REFER that an app handles itself, or a report of its progress (`state`).
-- Identified by `seq`.
SELECT
    seq,
    timestamp AS event_at,
    state,
    referred_by_source_channel_id AS transferer_channel_id,
    referred_by_connected_channel_id AS transferee_channel_id,
    referred_by_bridge_id AS bridge_id,
    NULLIF(refer_to_requested_destination_destination, '') AS destination,
    NULLIF(refer_to_requested_destination_protocol_id, '') AS protocol_id,
    refer_to_destination_channel_id AS second_channel_id,
    refer_to_connected_channel_id AS target_channel_id,
    refer_to_bridge_id AS second_bridge_id
FROM ChannelTransfer
