-- One row is one variable of a channel, or a global one, with its last value. Identified by `asterisk_id`, `channel_id`
-- and `variable`.
SELECT asterisk_id, channel_id, call_id, variable, value, first_set_at, last_set_at, is_changed, last_seq
FROM int_variables
WHERE channel_id IS NOT NULL
UNION ALL
-- Values of global variables that were found day by day are the values of one variable.
SELECT
    asterisk_id,
    NULL,
    NULL,
    variable,
    arg_max_null(value, last_seq),
    min(first_set_at),
    arg_max_null(last_set_at, last_seq),
    bool_or(is_changed) OR count(DISTINCT value) > 1,
    max(last_seq)
FROM int_variables
WHERE channel_id IS NULL
GROUP BY asterisk_id, variable
