-- One row is one channel that enters (`is_entry`) or leaves a bridge, with whom Asterisk lists in it then. Identified by
-- `seq`. Of a long list only two are kept: a conference of ten thousand has as many lists, of as many channels each.
-- Holding bridges (parking, queues) tie nobody: of them no list is kept.
SELECT
    * EXCLUDE (asterisk_id, bridge_channel_ids),
    len(bridge_channel_ids) AS id_count,
    CASE
        WHEN is_holding THEN NULL
        WHEN len(bridge_channel_ids) > 16 THEN bridge_channel_ids[:2]
        ELSE bridge_channel_ids
    END AS some_ids
FROM stg_bridge_events
