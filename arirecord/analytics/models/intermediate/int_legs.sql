-- One row is one channel, with its call and its role in it. Identified by `channel_id`.
WITH roles AS (
    SELECT
        known.*,
        calls.call_id,
        regexp_replace(known.channel_name, '-[^-]*$', '') AS endpoint,
        CASE
            WHEN known.is_helper THEN 'helper'
            WHEN known.technology = 'Local' THEN 'local'
            WHEN known.first_state = 'Ring' THEN 'caller'
            WHEN known.first_state IN ('Down', 'Ringing') THEN 'called'
            WHEN dialled.is_caller THEN 'caller'
            WHEN NOT dialled.is_caller THEN 'called'
        END AS role
    FROM int_channels AS known
    JOIN int_call_channels AS calls USING (channel_id)
    LEFT JOIN int_dialled AS dialled USING (channel_id)
)

SELECT
    *,
    NOT is_helper AND row_number() OVER (PARTITION BY call_id, is_helper ORDER BY first_seq) = 1 AS is_first
FROM roles
