-- One row is one turn with an earlier one in its call: what was audible when it began. Identified by `turn_seq`.
-- `is_over`: another side was speaking. `doubt`: why that is not known; `order_doubt`: also where it ended just before,
-- at a time that can be half a pause wrong. Columns of `other` are about the last speech of the other side that had
-- ended, those of `own` about the last one of the same side.
WITH pairs AS (
    SELECT
        turns_of_call.turn_seq,
        turns_of_call.is_caller <> (parts.speaker = 'caller') AS is_other,
        parts.until_at > turns_of_call.started_at AS is_going_on,
        ms_between(parts.until_at, turns_of_call.started_at) < param('turn_gap_ms') / 2 AS is_near,
        parts.is_clear,
        parts.started_at,
        parts.until_at,
        parts.unknown_reason,
        parts.end_doubt,
        CASE WHEN parts.ended_at IS NULL THEN parts.unknown_reason END AS end_reason
    FROM turn_list AS turns_of_call
    JOIN turn_parts AS parts
        ON parts.call_id = turns_of_call.call_id AND parts.started_at < turns_of_call.started_at
        AND parts.turn_seq <> turns_of_call.turn_seq
)

SELECT
    turn_seq,
    COALESCE(bool_or(is_clear) FILTER (is_other AND is_going_on), false) AS is_over,
    arg_min(unknown_reason, started_at) FILTER (is_other AND is_going_on AND NOT is_clear) AS doubt,
    COALESCE(doubt, arg_max_null(end_doubt, until_at) FILTER (is_other AND NOT is_going_on AND is_near)) AS order_doubt,
    max(until_at) FILTER (is_other AND NOT is_going_on) AS other_until_at,
    arg_max_null(end_reason, until_at) FILTER (is_other AND NOT is_going_on) AS other_reason,
    arg_max_null(end_doubt, until_at) FILTER (is_other AND NOT is_going_on) AS other_end_doubt,
    max(until_at) FILTER (NOT is_other) AS own_until_at,
    arg_max_null(end_reason, until_at) FILTER (NOT is_other) AS own_reason
FROM pairs
GROUP BY turn_seq
