-- One row is one report of a device's state that differs from the report before. Identified by `seq`.
WITH reports AS (
    -- Asterisk repeats states and sends an event once for each app on a socket.
    SELECT asterisk_id, device, state, event_at, min(seq) AS seq
    FROM stg_device_states
    GROUP BY ALL
)

SELECT asterisk_id, device, state, event_at, seq
FROM reports
QUALIFY lag(state) OVER (PARTITION BY asterisk_id, device ORDER BY seq) IS DISTINCT FROM state
