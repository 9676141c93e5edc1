-- One row is one report of the status of a contact, or of an endpoint as a whole. Identified by `seq`.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    asterisk_id,
    endpoint_technology AS technology,
    endpoint_resource AS endpoint,
    contact_info_aor AS aor,
    contact_info_uri AS contact_uri,
    contact_info_contact_status AS status,
    NULLIF(TRY_CAST(contact_info_roundtrip_usec AS BIGINT), 0) AS roundtrip_us,
    NULL AS cause,
    NULL AS peer_address
FROM ContactStatusChange
UNION ALL
SELECT
    seq, event_time(timestamp, received_at, seq), asterisk_id, endpoint_technology, endpoint_resource, NULL, NULL,
    peer_peer_status, NULLIF(TRY_CAST(peer_time AS BIGINT), 0) * 1000, NULLIF(peer_cause, ''),
    NULLIF(concat_ws(':', NULLIF(peer_address, ''), NULLIF(peer_port, '')), '')
FROM PeerStatusChange
