-- One row is one transfer, tried or done. Identified by `seq`.
-- `destination_type` is the type of `target`: an extension (`1003@default`), a bridge, an application, the two ends of
-- a link, or the bridge of a threeway call. `is_inferred`: Asterisk did not announce it, see
-- `int_unannounced_transfers` and `int_moves_by_apps`.
-- `outcome` is its result, `final_channel_id` the channel that the transferee reached.
WITH consulted AS (
    SELECT transfers.seq, max(stays.entered_at) AS began_at
    FROM int_transfers AS transfers
    JOIN int_bridge_stays AS stays
        ON stays.channel_id = transfers.transferer_second_channel_id
        AND stays.bridge_id = transfers.second_bridge_id
        AND stays.entered_seq < transfers.seq
    GROUP BY transfers.seq
)

SELECT
    transfers.seq,
    COALESCE(of_transferer.call_id, of_transferee.call_id) AS call_id,
    transfers.event_at AS transferred_at,
    transfers.kind,
    transfers.result,
    transfers.is_external,
    transfers.is_inferred,
    transfers.destination_type,
    transfers.target,
    transfers.outcome,
    transfers.answered_at,
    seconds_between(transfers.event_at, transfers.answered_at) AS answer_s,
    CASE
        WHEN transfers.kind = 'attended'
        THEN seconds_between(COALESCE(consulted.began_at, second.answered_at), transfers.event_at)
    END AS consultation_s,
    transfers.transferer_channel_id,
    transferer.channel_name AS transferer_channel_name,
    transferer.caller_number AS transferer_number,
    transfers.transferer_second_channel_id,
    transfers.transferee_channel_id,
    transferee.channel_name AS transferee_channel_name,
    transferee.caller_number AS transferee_number,
    transfers.target_channel_id,
    COALESCE(target.channel_name, transfers.target_name) AS target_channel_name,
    COALESCE(target.caller_number, transfers.target_number) AS target_number,
    transfers.final_channel_id,
    COALESCE(
        final.channel_name,
        CASE WHEN transfers.final_channel_id = transfers.target_channel_id THEN transfers.target_name END
    ) AS final_channel_name,
    COALESCE(
        final.caller_number,
        CASE WHEN transfers.final_channel_id = transfers.target_channel_id THEN transfers.target_number END
    ) AS final_number,
    transfers.replace_channel_id,
    transfers.bridge_id,
    transfers.second_bridge_id
FROM int_transfer_outcomes AS transfers
LEFT JOIN consulted USING (seq)
LEFT JOIN int_channel_lives AS second ON second.channel_id = transfers.transferer_second_channel_id
LEFT JOIN int_channel_facts AS transferer ON transferer.channel_id = transfers.transferer_channel_id
LEFT JOIN int_channel_facts AS transferee ON transferee.channel_id = transfers.transferee_channel_id
LEFT JOIN int_channel_facts AS target ON target.channel_id = transfers.target_channel_id
LEFT JOIN int_channel_facts AS final ON final.channel_id = transfers.final_channel_id
LEFT JOIN int_call_channels AS of_transferer ON of_transferer.channel_id = transfers.transferer_channel_id
LEFT JOIN int_call_channels AS of_transferee ON of_transferee.channel_id = transfers.transferee_channel_id
