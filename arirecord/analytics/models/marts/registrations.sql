-- One row is one interval in which a contact, or an endpoint as a whole, had one status. Identified by `first_seq`.
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
),

stretches AS (
    SELECT
        asterisk_id, technology, endpoint, aor, contact_uri, any_value(status) AS status,
        any_value(cause) AS cause, any_value(peer_address) AS peer_address,
        count(roundtrip_us) AS qualify_count,
        avg(roundtrip_us) / 1000 AS qualify_ms,
        max(roundtrip_us) / 1000 AS longest_qualify_ms,
        min(event_at) AS started_at,
        min(seq) AS first_seq
    FROM numbered
    GROUP BY asterisk_id, technology, endpoint, aor, contact_uri, number
),

followed AS (
    SELECT
        *,
        lead(started_at) OVER stretches_of_contact AS next_at,
        lead(first_seq) OVER stretches_of_contact AS next_seq
    FROM stretches
    WINDOW stretches_of_contact AS (PARTITION BY asterisk_id, technology, endpoint, aor, contact_uri ORDER BY first_seq)
)

SELECT
    asterisk_id, technology, endpoint, aor, contact_uri, status, cause, peer_address,
    qualify_count, qualify_ms, longest_qualify_ms, started_at, first_seq,
    CASE
        WHEN status IN ('Reachable', 'NonQualified', 'Registered', 'Lagged', 'Created', 'Updated') THEN true
        WHEN status IN ('Unreachable', 'Removed', 'Unregistered', 'Rejected') THEN false
    END AS is_up,
    next_seq IS NOT NULL AND (gaps.seq IS NULL OR gaps.seq < first_seq) AS is_complete,
    CASE WHEN is_complete THEN next_at END AS ended_at,
    CASE WHEN is_complete THEN seconds_between(started_at, next_at) END AS duration_s,
    next_seq AS last_seq
FROM followed
ASOF LEFT JOIN int_gaps AS gaps ON followed.next_seq >= gaps.seq
