-- One row is one event of a bridge in which channels can talk, with whom Asterisk lists in it then. Identified by `seq`.
-- Of a long list only two are kept: a conference of ten thousand has as many lists, of as many channels each.
SELECT
    seq,
    bridge_id,
    channel_id,
    is_entry,
    len(bridge_channel_ids) AS id_count,
    CASE WHEN len(bridge_channel_ids) > 16 THEN bridge_channel_ids[:2] ELSE bridge_channel_ids END AS some_ids
FROM stg_bridge_events
WHERE NOT is_holding
