-- One row is one moment at which a stay in a bridge or a speech interval in it begins or ends, with five clocks of the
-- bridge at that moment. Identified by `stay_id`, `seq` (NULL: the stay itself) and `is_end`.
-- The difference between two rows is the time in between in which the bridge had several parties (`shared_ms`), one of
-- them not covered by talk detection (`unheard_ms`), speech, summed over parties (`spoken_ms`), no speech
-- (`silent_ms`), or speech of several (`crosstalk_ms`).
WITH stretches AS (
    SELECT
        stays.bridge_id,
        stays.stay_id,
        spoken.seq,
        greatest(spoken.from_ms, stays.from_ms) AS from_ms,
        least(spoken.to_ms, stays.to_ms) AS to_ms
    FROM int_spoken AS spoken
    JOIN int_heard_stays AS stays
        ON stays.channel_id = spoken.channel_id AND spoken.from_ms < stays.to_ms AND spoken.to_ms > stays.from_ms
),

marks AS (
    SELECT bridge_id, stay_id, NULL AS seq, false AS is_end, from_ms AS at_ms,
        1 AS here, (NOT is_heard)::INT AS unheard, 0 AS speaking
    FROM int_heard_stays
    UNION ALL
    SELECT bridge_id, stay_id, NULL, true, to_ms, -1, -((NOT is_heard)::INT), 0 FROM int_heard_stays
    UNION ALL
    SELECT bridge_id, stay_id, seq, false, from_ms, 0, 0, 1 FROM stretches
    UNION ALL
    SELECT bridge_id, stay_id, seq, true, to_ms, 0, 0, -1 FROM stretches
),

counted AS (
    SELECT
        bridge_id, stay_id, seq, is_end, at_ms,
        sum(here) OVER so_far AS here,
        sum(unheard) OVER so_far AS unheard,
        sum(speaking) OVER so_far AS speaking,
        lead(at_ms, 1, at_ms) OVER (PARTITION BY bridge_id ORDER BY at_ms, stay_id, seq, is_end) - at_ms AS until_next_ms
    FROM marks
    WINDOW so_far AS (
        PARTITION BY bridge_id ORDER BY at_ms, stay_id, seq, is_end ROWS UNBOUNDED PRECEDING
    )
)

SELECT
    bridge_id, stay_id, seq, is_end, at_ms,
    COALESCE(sum(until_next_ms) FILTER (here >= 2) OVER before, 0)::BIGINT AS shared_ms,
    COALESCE(sum(until_next_ms) FILTER (here >= 2 AND unheard > 0) OVER before, 0)::BIGINT AS unheard_ms,
    COALESCE(sum(until_next_ms * speaking) FILTER (here >= 2) OVER before, 0)::BIGINT AS spoken_ms,
    COALESCE(sum(until_next_ms) FILTER (here >= 2 AND speaking = 0) OVER before, 0)::BIGINT AS silent_ms,
    COALESCE(sum(until_next_ms) FILTER (here >= 2 AND speaking >= 2) OVER before, 0)::BIGINT AS crosstalk_ms
FROM counted
WINDOW before AS (
    PARTITION BY bridge_id ORDER BY at_ms, stay_id, seq, is_end ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
)
