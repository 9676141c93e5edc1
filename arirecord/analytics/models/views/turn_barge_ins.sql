-- One row is one turn in which another side began to speak: the first time. Identified by `turn_seq`.
-- It is certain (`reason` is NULL) if the turn's speaker was speaking at that time.
SELECT
    mine.turn_seq,
    others.speaker,
    others.started_at,
    CASE WHEN NOT parts.is_clear THEN parts.unknown_reason WHEN NOT others.has_start THEN 'start' END AS reason
FROM turn_list AS mine
JOIN turn_list AS others
    ON others.call_id = mine.call_id AND others.is_caller <> mine.is_caller
    AND others.started_at > mine.started_at AND others.started_at < mine.until_at
JOIN turn_parts AS parts
    ON parts.turn_seq = mine.turn_seq
    AND parts.started_at <= others.started_at AND parts.until_at > others.started_at
QUALIFY row_number() OVER (PARTITION BY mine.turn_seq ORDER BY others.started_at, others.turn_seq) = 1
