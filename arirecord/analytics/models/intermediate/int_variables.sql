-- One row is one variable of a channel, or a global one, with its last value. Identified by `asterisk_id`, `channel_id`
-- and `variable`.
WITH histories AS (
    -- Millions of values as text would exhaust the memory: their hashes distinguish them.
    SELECT
        max(seq) AS last_seq,
        min(event_at) AS first_set_at,
        min(hash(value)) <> max(hash(value)) AS is_changed
    FROM stg_variables
    WHERE variable IS NOT NULL
    -- Global variables have no channel, and each Asterisk has its own.
    GROUP BY hash(CASE WHEN channel_id IS NULL THEN asterisk_id END, channel_id, variable)
)

SELECT
    CASE WHEN last_values.channel_id IS NULL THEN last_values.asterisk_id END AS asterisk_id,
    last_values.channel_id,
    -- Not a join: DuckDB would load all variables into memory to find the few calls among them.
    (SELECT call_id FROM int_call_channels AS calls WHERE calls.channel_id = last_values.channel_id) AS call_id,
    last_values.variable,
    last_values.value,
    histories.first_set_at,
    last_values.event_at AS last_set_at,
    histories.is_changed,
    histories.last_seq
FROM histories
JOIN stg_variables AS last_values ON last_values.seq = histories.last_seq
