-- One row is one stay of a channel in a bridge. Identified by `channel_id`, `bridge_id`, `entered_seq` and `left_seq`.
-- If the leaving was not recorded, the channel's end stands for it. Times that are not known, or hidden by a gap, are
-- NULL.
SELECT
    calls.call_id,
    stays.channel_id,
    facts.channel_name,
    stays.bridge_id,
    bridges.bridge_type,
    bridges.bridge_name,
    stays.is_holding,
    stays.entered_at,
    stays.left_at,
    CASE
        WHEN gaps.seq IS NULL OR gaps.seq < stays.entered_seq
        THEN seconds_between(stays.entered_at, stays.left_at)
    END AS duration_s,
    stays.entered_seq,
    stays.left_seq
FROM int_bridge_stays AS stays
JOIN int_bridges AS bridges USING (bridge_id)
LEFT JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_call_channels AS calls USING (channel_id)
ASOF LEFT JOIN int_gaps AS gaps ON stays.left_seq >= gaps.seq
