-- One row is one turn, with its times. Identified by `turn_seq`.
-- `reason` is why its parts are not certain, `end_doubt` why `ended_at` may be wrong, and `next_at` the beginning of the
-- next turn on its side of the call: one side is the caller, the other the agent and the human who takes over.
SELECT
    turn_seq,
    call_id,
    speaker,
    speaker = 'caller' AS is_caller,
    any_value(channel_id) AS channel_id,
    any_value(bridge_id) AS bridge_id,
    any_value(source) AS source,
    min(started_at) AS started_at,
    arg_min(is_start_known, started_at) AS has_start,
    max(until_at) AS until_at,
    CASE WHEN bool_and(unknown_reason IS DISTINCT FROM 'no silence') THEN arg_max_null(ended_at, until_at) END
        AS ended_at,
    arg_min(unknown_reason, started_at) FILTER (NOT is_clear) AS reason,
    arg_max(unknown_reason, until_at) FILTER (ended_at IS NULL) AS end_reason,
    arg_max_null(end_doubt, until_at) AS end_doubt,
    arg_max(
        is_clear OR COALESCE(unknown_reason = 'hangup' AND silence_ms <= param('turn_gap_ms'), false), until_at
    ) AS has_clear_end,
    lead(min(started_at)) OVER side_of_call AS next_at,
    row_number() OVER side_of_call AS number,
    lead(turn_seq) OVER side_of_call IS NULL AS is_last
FROM turn_parts
GROUP BY turn_seq, call_id, speaker
WINDOW side_of_call AS (PARTITION BY call_id, speaker = 'caller' ORDER BY min(started_at), turn_seq)
