-- One row is one channel that was in a bridge. Identified by `channel_id`.
-- A sum is NULL if one of its stays has no known beginning or end.
SELECT
    channel_id,
    sum(ms_between(entered_at, left_at)) FILTER (NOT is_holding) AS bridged_ms,
    sum(ms_between(entered_at, left_at)) FILTER (is_holding) AS holding_ms,
    COALESCE(bool_and(ms_between(entered_at, left_at) IS NOT NULL) FILTER (NOT is_holding), true) AS is_bridged_known,
    COALESCE(bool_and(ms_between(entered_at, left_at) IS NOT NULL) FILTER (is_holding), true) AS is_holding_known,
    max(left_at) FILTER (NOT is_holding) AS last_left_at
FROM int_bridge_stays
GROUP BY channel_id
