-- One row is one transfer event, blind or attended, with its columns under one name. Identified by `seq`.
-- If the transferer's first leg is in an application, the party bridged with the second leg takes its place there.
-- Then the two legs swap roles, as in CEL, and that party is the transferee.
WITH attended AS (
    SELECT
        * REPLACE (
            channel_key(transferer_first_leg_id, seq) AS transferer_first_leg_id,
            channel_key(transferer_second_leg_id, seq) AS transferer_second_leg_id,
            channel_key(transferee_id, seq) AS transferee_id,
            channel_key(transfer_target_id, seq) AS transfer_target_id,
            channel_key(replace_channel_id, seq) AS replace_channel_id,
            channel_key(destination_link_first_leg_id, seq) AS destination_link_first_leg_id,
            channel_key(destination_link_second_leg_id, seq) AS destination_link_second_leg_id,
            bridge_key(transferer_first_leg_bridge_id, seq) AS transferer_first_leg_bridge_id,
            bridge_key(transferer_second_leg_bridge_id, seq) AS transferer_second_leg_bridge_id,
            bridge_key(destination_threeway_bridge_id, seq) AS destination_threeway_bridge_id
        ),
        COALESCE(destination_type = 'application', false) AND transferer_first_leg_bridge_id IS NULL
            AND transferer_second_leg_bridge_id IS NOT NULL AS is_reversed
    FROM BridgeAttendedTransfer
)

SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    'blind' AS kind,
    result,
    is_external,
    'exten' AS destination_type,
    concat_ws('@', NULLIF(exten, ''), NULLIF(context, '')) AS target,
    channel_key(channel_id, seq) AS transferer_channel_id,
    channel_key(transferee_id, seq) AS transferee_channel_id,
    channel_key(replace_channel_id, seq) AS replace_channel_id,
    bridge_key(bridge_id, seq) AS bridge_id
FROM BridgeBlindTransfer
UNION ALL BY NAME
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    'attended' AS kind,
    result,
    is_external,
    destination_type,
    CASE destination_type
        WHEN 'bridge' THEN destination_bridge
        WHEN 'application' THEN destination_application
        WHEN 'link' THEN concat_ws(' ', destination_link_first_leg_name, destination_link_second_leg_name)
        WHEN 'threeway' THEN plain_id(destination_threeway_bridge_id)
    END AS target,
    CASE WHEN is_reversed THEN transferer_second_leg_id ELSE transferer_first_leg_id END AS transferer_channel_id,
    CASE WHEN is_reversed THEN transferer_first_leg_id ELSE transferer_second_leg_id END AS transferer_second_channel_id,
    CASE WHEN is_reversed THEN transfer_target_id ELSE transferee_id END AS transferee_channel_id,
    CASE WHEN NOT is_reversed THEN transfer_target_id END AS target_channel_id,
    CASE WHEN NOT is_reversed THEN transfer_target_name END AS target_name,
    CASE WHEN NOT is_reversed THEN transfer_target_state END AS target_state,
    CASE WHEN NOT is_reversed THEN NULLIF(transfer_target_caller_number, '') END AS target_number,
    replace_channel_id,
    destination_link_first_leg_id AS link_first_channel_id,
    destination_link_second_leg_id AS link_second_channel_id,
    CASE
        WHEN is_reversed THEN transferer_second_leg_bridge_id
        ELSE COALESCE(transferer_first_leg_bridge_id, destination_threeway_bridge_id)
    END AS bridge_id,
    CASE WHEN NOT is_reversed THEN transferer_second_leg_bridge_id END AS second_bridge_id
FROM attended
