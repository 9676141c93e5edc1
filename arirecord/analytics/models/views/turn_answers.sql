-- One row is one turn that overlaps with speech of the other side, or was followed by some before the next turn of its
-- own side. Identified by `turn_seq`. `doubt` is why the overlap is not known, `answer_doubt` why the answer is not,
-- `reply_doubt` why the other side may have begun before the end, which can be half a pause wrong.
SELECT
    mine.turn_seq,
    sum(greatest(
        epoch_ms(least(parts.until_at, mine.until_at)) - epoch_ms(greatest(parts.started_at, mine.started_at)), 0
    )) AS overlap_ms,
    arg_min(parts.unknown_reason, parts.started_at) FILTER (
        NOT parts.is_clear AND parts.started_at < mine.until_at
    ) AS doubt,
    bool_or(others.started_at >= mine.started_at) AS is_answered,
    arg_min(parts.unknown_reason, parts.started_at) FILTER (NOT parts.is_clear) AS answer_doubt,
    COALESCE(doubt, any_value(mine.end_doubt) FILTER (
        parts.started_at >= mine.until_at AND ms_between(mine.ended_at, parts.started_at) < param('turn_gap_ms') / 2
    )) AS reply_doubt
FROM turn_list AS mine
JOIN turn_parts AS parts
    ON parts.call_id = mine.call_id AND (parts.speaker = 'caller') <> mine.is_caller
    AND parts.until_at > mine.started_at AND COALESCE(parts.started_at < mine.next_at, true)
JOIN turn_list AS others ON others.turn_seq = parts.turn_seq
GROUP BY mine.turn_seq
