-- One row is one variable of a channel, or a global one, with its last value. Identified by `asterisk_id`, `channel_id` and
-- `variable`. What it was before is in `variable_history`.
WITH told AS (
    SELECT
        -- Global variables have no channel, and each Asterisk has its own.
        CASE WHEN channel_id IS NULL THEN asterisk_id END AS asterisk_id,
        channel_id,
        variable,
        arg_max(value, seq) AS value,
        min(timestamp) AS first_set_at,
        max(timestamp) AS last_set_at,
        min(hash(value)) <> max(hash(value)) AS is_changed,
        max(seq) AS last_seq
    FROM ChannelVarset
    WHERE variable IS NOT NULL
    GROUP BY ALL
)

SELECT
    told.asterisk_id,
    told.channel_id,
    calls.call_id,
    told.variable,
    told.value,
    told.first_set_at,
    told.last_set_at,
    told.is_changed,
    told.last_seq
FROM told
LEFT JOIN int_call_channels AS calls USING (channel_id)
