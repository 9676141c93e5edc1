-- One row is one channel named by one `Dial` event. Identified by `seq` and `dial_role` (caller, peer, forwarded).
SELECT seq, 'caller' AS dial_role, caller_channel_id AS channel_id, caller_state AS channel_state
FROM int_dials
WHERE caller_channel_id IS NOT NULL
UNION ALL
SELECT seq, 'peer', peer_channel_id, peer_state
FROM int_dials
WHERE peer_channel_id IS NOT NULL
UNION ALL
SELECT seq, 'forwarded', forwarded_channel_id, forwarded_state
FROM int_dials
WHERE forwarded_channel_id IS NOT NULL
