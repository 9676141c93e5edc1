-- One row is one turn during which, or until the next on its side, the speech of a party was not detected. Identified by
-- `turn_seq`. `undetected` and `undetected_other` name a reason: of any party, and of one on the other side.
SELECT
    listed.turn_seq,
    arg_min(missing, stays.from_ms) AS undetected,
    arg_min(missing, stays.from_ms) FILTER (is_other) AS undetected_other
FROM turn_list AS listed
JOIN int_undetected_stays AS stays
    ON stays.call_id = listed.call_id
    AND stays.from_ms < epoch_ms(COALESCE(listed.next_at, listed.until_at))
    AND stays.to_ms > epoch_ms(listed.started_at)
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN stays.role = 'media' THEN 'agent undetected'
            WHEN stays.role = 'caller' THEN 'caller undetected'
            ELSE 'party undetected'
        END AS missing,
        (stays.role IS NOT DISTINCT FROM 'caller') <> listed.is_caller AS is_other
)
GROUP BY listed.turn_seq
