-- One row is one channel that enters (`is_entry`) or leaves a bridge, with the channels that Asterisk lists in it
-- then. Identified by `seq`. Only two ids of a long list are kept: a conference of ten thousand channels has as many
-- lists, of as many ids each. Holding bridges (parking, queues) link no channels: their lists are not kept.
SELECT
    * EXCLUDE (bridge_channel_ids),
    len(bridge_channel_ids) AS id_count,
    CASE
        WHEN is_holding THEN NULL
        WHEN len(bridge_channel_ids) > 16 THEN bridge_channel_ids[:2]
        ELSE bridge_channel_ids
    END AS some_ids
FROM stg_bridge_events
