-- One row is one stay of a party in a bridge in which talk detection reported speech. Identified by `stay_id`.
-- A time that is not known is replaced by the beginning or the end of all time, and `is_known` is false. `is_heard` is
-- true if talk detection reported the party's speech and all its times are known. For any other party silence is not
-- known.
WITH heard AS (
    SELECT channel_id, bool_and(from_ms IS NOT NULL AND to_ms IS NOT NULL) AS is_known
    FROM int_spoken
    GROUP BY channel_id
)

SELECT
    row_number() OVER (ORDER BY stays.bridge_id, stays.channel_id, stays.left_seq, stays.entered_seq) AS stay_id,
    stays.bridge_id,
    stays.channel_id,
    COALESCE(epoch_ms(stays.entered_at), 0) AS from_ms,
    COALESCE(epoch_ms(stays.left_at), 32503680000000) AS to_ms,
    stays.entered_at IS NOT NULL AND stays.left_at IS NOT NULL AS is_known,
    -- It left, but the time is not known: nothing is certain after its entry.
    COALESCE(heard.is_known, false) AND (stays.left_at IS NOT NULL OR stays.left_seq IS NULL) AS is_heard
FROM int_talk_stays AS stays
LEFT JOIN heard USING (channel_id)
WHERE stays.bridge_id IN (
    SELECT others.bridge_id
    FROM int_talk_stays AS others
    JOIN heard USING (channel_id)
)
