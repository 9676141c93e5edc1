-- One row is one series of reports of one status of a contact, or of an endpoint as a whole. Identified by `first_seq`.
WITH reports AS (
    -- Asterisk sends an event once for each app on a socket.
    SELECT asterisk_id, technology, endpoint, aor, contact_uri, status, roundtrip_us, cause, peer_address, event_at,
        min(seq) AS seq
    FROM stg_registrations
    GROUP BY ALL
),

counted AS (
    SELECT
        *,
        lag(status) OVER reports_of_contact IS DISTINCT FROM status AS is_change
    FROM reports
    WINDOW reports_of_contact AS (PARTITION BY asterisk_id, technology, endpoint, aor, contact_uri ORDER BY seq)
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (is_change) OVER (
            PARTITION BY asterisk_id, technology, endpoint, aor, contact_uri ORDER BY seq ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM counted
)

SELECT
    asterisk_id, technology, endpoint, aor, contact_uri, any_value(status) AS status,
    any_value(cause) AS cause, any_value(peer_address) AS peer_address,
    count(roundtrip_us) AS qualify_count,
    sum(roundtrip_us)::BIGINT AS qualify_us,
    max(roundtrip_us) AS longest_qualify_us,
    min(event_at) AS started_at,
    min(seq) AS first_seq
FROM numbered
GROUP BY asterisk_id, technology, endpoint, aor, contact_uri, number
