-- One row is one `Dial` event: an attempt that begins (`dial_status` NULL), its progress or its end. Identified by `seq`.
-- A dial without a caller is an originate. `forward` is where the dialled party forwarded the call.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    channel_key(caller_id, seq) AS caller_channel_id,
    channel_key(peer_id, seq) AS peer_channel_id,
    channel_key(forwarded_id, seq) AS forwarded_channel_id,
    caller_state,
    peer_state,
    NULLIF(peer_caller_number, '') AS peer_number,
    NULLIF(peer_connected_number, '') AS peer_connected_number,
    forwarded_state,
    NULLIF(dialstring, '') AS dialstring,
    NULLIF(dialstatus, '') AS dial_status,
    NULLIF(forward, '') AS forward
FROM Dial
