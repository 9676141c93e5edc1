-- One row is one channel named by one `Dial` event. Identified by `seq` and `dial_role` (caller, peer, forwarded).
-- It has the columns of `stg_channel_events`: for some channels these are the only events in a recording.
SELECT
    seq, event_time(timestamp, received_at, seq) AS event_at, type AS event_type, asterisk_id,
    'caller' AS dial_role,
    channel_key(caller_id, seq) AS channel_id, caller_name AS channel_name, caller_state AS channel_state,
    snapshot_time(caller_creationtime, seq) AS channel_created_at, NULLIF(caller_caller_number, '') AS caller_number,
    NULLIF(caller_caller_name, '') AS caller_name, NULLIF(caller_connected_number, '') AS connected_number,
    NULLIF(caller_dialplan_exten, '') AS exten, caller_channelvars AS channelvars
FROM Dial
WHERE caller_id IS NOT NULL
UNION ALL BY NAME
SELECT
    seq, event_time(timestamp, received_at, seq) AS event_at, type AS event_type, asterisk_id,
    'peer' AS dial_role,
    channel_key(peer_id, seq) AS channel_id, peer_name AS channel_name, peer_state AS channel_state,
    snapshot_time(peer_creationtime, seq) AS channel_created_at, NULLIF(peer_caller_number, '') AS caller_number,
    NULLIF(peer_caller_name, '') AS caller_name, NULLIF(peer_connected_number, '') AS connected_number,
    NULLIF(peer_dialplan_exten, '') AS exten, peer_channelvars AS channelvars
FROM Dial
WHERE peer_id IS NOT NULL
UNION ALL BY NAME
SELECT
    seq, event_time(timestamp, received_at, seq) AS event_at, type AS event_type, asterisk_id,
    'forwarded' AS dial_role,
    channel_key(forwarded_id, seq) AS channel_id, forwarded_name AS channel_name, forwarded_state AS channel_state,
    snapshot_time(forwarded_creationtime, seq) AS channel_created_at, NULLIF(forwarded_caller_number,
    '') AS caller_number,
    NULLIF(forwarded_caller_name, '') AS caller_name, NULLIF(forwarded_connected_number, '') AS connected_number,
    NULLIF(forwarded_dialplan_exten, '') AS exten, forwarded_channelvars AS channelvars
FROM Dial
WHERE forwarded_id IS NOT NULL
