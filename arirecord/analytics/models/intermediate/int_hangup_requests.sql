-- One row is one request to hang a channel up, as in `stg_hangup_requests`. Identified by `seq`. Several models read it.
-- The IAX2 driver sends a request, like a far end, when Asterisk hangs its channel up: it is such a channel's last
-- request, after it left its bridge and application. The only one of a channel whose far end was busy stands for the far
-- end's refusal, which came without one.
SELECT * EXCLUDE (channel_name) REPLACE (
    is_soft OR seq IN (
        SELECT max(asked.seq)
        FROM stg_hangup_requests AS asked
        LEFT JOIN (
            SELECT DISTINCT peer_channel_id AS channel_id, true AS is_refused
            FROM int_dials
            WHERE dial_status IN ('BUSY', 'CONGESTION')
        ) AS refused USING (channel_id)
        LEFT JOIN (
            SELECT channel_id, seq FROM stg_bridge_events WHERE NOT is_entry
            UNION ALL
            SELECT channel_id, seq FROM stg_stasis_events WHERE NOT is_entry
        ) AS departures USING (channel_id)
        WHERE asked.channel_name LIKE 'IAX2/%'
        GROUP BY channel_id
        HAVING
            COALESCE(max(asked.seq) > max(departures.seq), true)
            AND (count(DISTINCT asked.seq) > 1 OR NOT COALESCE(bool_or(refused.is_refused), false))
    ) AS is_soft
)
FROM stg_hangup_requests
