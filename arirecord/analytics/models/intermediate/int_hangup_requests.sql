-- One row is one request to hang a channel up, as in `stg_hangup_requests`. Identified by `seq`. Several models read it.
-- The IAX2 driver sends a request, like a far end, when Asterisk hangs its channel up: it is such a channel's last
-- request.
SELECT * EXCLUDE (channel_name) REPLACE (
    is_soft OR seq IN (
        SELECT max(seq) FROM stg_hangup_requests WHERE channel_name LIKE 'IAX2/%' GROUP BY channel_id
    ) AS is_soft
)
FROM stg_hangup_requests
