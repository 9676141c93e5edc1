-- One row is one REFER that an app handled itself. Identified by `seq`, its first `ChannelTransfer`.
-- A `ChannelTransfer` without a state begins one; those with a state report its progress.
WITH steps AS (
    SELECT * EXCLUDE (seq), min(seq) AS seq
    FROM stg_refers
    GROUP BY ALL
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (state IS NULL) OVER (PARTITION BY transferer_channel_id ORDER BY seq) AS refer
    FROM steps
)

SELECT
    min(seq) AS seq,
    arg_min(event_at, seq) AS event_at,
    CASE WHEN any_value(protocol_id) IS NULL AND any_value(second_channel_id) IS NULL THEN 'blind' ELSE 'attended' END
        AS kind,
    CASE arg_max(state, seq)
        WHEN 'channel_answered' THEN 'Success'
        WHEN 'channel_unavailable' THEN 'Fail'
        WHEN 'channel_declined' THEN 'Fail'
    END AS result,
    max(event_at) FILTER (state = 'channel_answered') AS answered_at,
    arg_max(state, seq) AS refer_state,
    true AS is_external,
    'refer' AS destination_type,
    COALESCE(any_value(destination), any_value(protocol_id)) AS target,
    transferer_channel_id,
    any_value(transferee_channel_id) AS transferee_channel_id,
    any_value(second_channel_id) AS transferer_second_channel_id,
    any_value(target_channel_id) AS target_channel_id,
    any_value(bridge_id) AS bridge_id,
    any_value(second_bridge_id) AS second_bridge_id
FROM numbered
GROUP BY transferer_channel_id, refer
