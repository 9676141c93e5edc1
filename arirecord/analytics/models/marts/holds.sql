-- One row is one hold: a channel put the other side on hold, or an application put the channel itself on hold.
-- Identified by `channel_id` and `seq`.
-- The held channels are the others in its bridge at that moment; at most the first 16 are named.
WITH met AS (
    SELECT
        channel_id, seq, any_value(bridge_id) AS bridge_id, count(*) AS held_count,
        arg_min(held_channel_id, COALESCE(entered_seq, -1), 16) AS held_channel_ids
    FROM int_held
    GROUP BY channel_id, seq
)

SELECT
    calls.call_id,
    holds.channel_id,
    facts.channel_name,
    facts.caller_number,
    COALESCE(met.held_count, 0) AS held_count,
    met.held_channel_ids,
    held.channel_id AS held_channel_id,
    held.channel_name AS held_channel_name,
    held.caller_number AS held_number,
    met.bridge_id,
    holds.musicclass,
    holds.started_at,
    holds.ended_at,
    CASE
        WHEN gaps.seq IS NULL OR gaps.seq < holds.seq
        THEN seconds_between(holds.started_at, holds.ended_at)
    END AS hold_s,
    holds.is_taken_back,
    holds.is_by_app,
    holds.ended_at IS NOT NULL AND (gaps.seq IS NULL OR gaps.seq < holds.seq) AS is_complete,
    holds.seq
FROM int_holds AS holds
ASOF LEFT JOIN int_gaps AS gaps ON holds.ended_seq >= gaps.seq
LEFT JOIN met ON met.channel_id = holds.channel_id AND met.seq = holds.seq
LEFT JOIN int_channel_facts AS facts ON facts.channel_id = holds.channel_id
LEFT JOIN int_call_channels AS calls ON calls.channel_id = holds.channel_id
LEFT JOIN int_channel_facts AS held ON held.channel_id = met.held_channel_ids[1] AND met.held_count = 1
