-- One row is one entry into a bridge, with the call that the channel belongs to. Identified by `bridge_id` and `seq`.
-- Events of a bridge belong to the call of the channel that entered it last before. If the bridge's creation was
-- recorded, events before the first entry belong to the call that enters it first: that entry has the `seq` of the
-- creation.
WITH creations AS (
    SELECT bridge_id, min(seq) AS seq
    FROM stg_bridge_lives
    WHERE step = 'created'
    GROUP BY bridge_id
),

entries AS (
    SELECT stays.bridge_id, stays.entered_seq, any_value(calls.call_id) AS call_id
    FROM int_bridge_stays AS stays
    JOIN int_call_channels AS calls USING (channel_id)
    WHERE stays.entered_seq IS NOT NULL
    GROUP BY stays.bridge_id, stays.entered_seq
)

SELECT
    entries.bridge_id,
    CASE
        WHEN row_number() OVER (PARTITION BY entries.bridge_id ORDER BY entries.entered_seq) = 1
        THEN least(creations.seq, entries.entered_seq)
        ELSE entries.entered_seq
    END AS seq,
    entries.call_id
FROM entries
LEFT JOIN creations USING (bridge_id)
