-- One row is one channel that was in a bridge. Identified by `channel_id`.
-- A sum is NULL if one of its stays has no known beginning or end.
SELECT
    channel_id,
    sum(epoch_ms(left_at) - epoch_ms(entered_at)) FILTER (NOT is_holding) AS bridged_ms,
    sum(epoch_ms(left_at) - epoch_ms(entered_at)) FILTER (is_holding) AS holding_ms,
    COALESCE(bool_and(left_at IS NOT NULL AND entered_at IS NOT NULL) FILTER (NOT is_holding), true) AS is_bridged_known,
    COALESCE(bool_and(left_at IS NOT NULL AND entered_at IS NOT NULL) FILTER (is_holding), true) AS is_holding_known,
    max(left_at) FILTER (NOT is_holding) AS last_left_at
FROM int_bridge_stays
GROUP BY channel_id
