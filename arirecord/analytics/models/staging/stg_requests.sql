-- One row is one REST request that an application made, as a tap recorded it. Identified by `seq`.
-- The row's position is where the response was complete: the request was sent `rest_duration_ns` before.
SELECT
    seq,
    elapsed_ns - COALESCE(rest_duration_ns, 0) AS asked_ns,
    received_at - to_microseconds(COALESCE(rest_duration_ns, 0) // 1000) AS asked_at,
    rest_duration_ns AS duration_ns,
    rest_client AS client,
    rest_method AS method,
    -- Over HTTP the server's configured prefix precedes ARI's paths, over a WebSocket they have none.
    regexp_replace(split_part(rest_uri, '?', 1), '^/(?:.*?/)?ari/', '') AS path,
    '&' || replace(split_part(rest_uri, '?', 2), '+', ' ') AS query,
    TRY_CAST(rest_request_body AS JSON) AS body,
    rest_status AS status
FROM (
    -- Only a tap's recording has these columns.
    FROM (SELECT * FROM other_rows WHERE kind = 'rest')
    UNION ALL BY NAME
    SELECT
        NULL::VARCHAR AS rest_by, NULL::VARCHAR AS rest_client, NULL::VARCHAR AS rest_method, NULL::VARCHAR AS rest_uri,
        NULL::VARCHAR AS rest_request_body, NULL::BIGINT AS rest_status, NULL::BIGINT AS rest_duration_ns
    WHERE false
)
WHERE rest_by = 'app'
