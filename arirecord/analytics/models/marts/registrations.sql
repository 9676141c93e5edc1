-- One row is one interval in which a contact, or an endpoint as a whole, had one status. Identified by `first_seq`.
WITH counted AS (
    -- Series that were found day by day can go on with the status of the day before.
    SELECT
        *,
        count(*) FILTER (is_change) OVER (
            PARTITION BY asterisk_id, technology, endpoint, aor, contact_uri ORDER BY first_seq ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM (
        SELECT
            *,
            lag(status) OVER (
                PARTITION BY asterisk_id, technology, endpoint, aor, contact_uri ORDER BY first_seq
            ) IS DISTINCT FROM status AS is_change
        FROM int_registration_stretches
    )
),

stretches AS (
    SELECT
        asterisk_id, technology, endpoint, aor, contact_uri, any_value(status) AS status,
        arg_min(cause, first_seq) AS cause, arg_min(peer_address, first_seq) AS peer_address,
        sum(qualify_count)::BIGINT AS qualify_count,
        sum(qualify_us) / sum(qualify_count) / 1000 AS qualify_ms,
        max(longest_qualify_us) / 1000 AS longest_qualify_ms,
        min(started_at) AS started_at,
        min(first_seq) AS first_seq
    FROM counted
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
