-- One row is one call that was transferred. Identified by `call_id`. Refused transfers do not count.
SELECT
    COALESCE(of_transferer.call_id, of_transferee.call_id) AS call_id,
    count(*) AS transfer_count
FROM int_transfers AS transfers
LEFT JOIN int_call_channels AS of_transferer ON of_transferer.channel_id = transfers.transferer_channel_id
LEFT JOIN int_call_channels AS of_transferee ON of_transferee.channel_id = transfers.transferee_channel_id
WHERE transfers.result = 'Success' OR transfers.is_inferred
GROUP BY ALL
