-- One row is one channel's part in the speech of its conversations. Identified by `channel_id`.
-- A turn is the speech of a party before another begins to speak in the same bridge. All columns are NULL if talk
-- detection did not cover every party, or if a time is not known.
WITH stays AS (
    SELECT
        stay_id,
        max(shared_ms) - min(shared_ms) AS shared_ms,
        max(unheard_ms) - min(unheard_ms) AS unheard_ms,
        max(spoken_ms) - min(spoken_ms) AS all_spoken_ms,
        max(silent_ms) - min(silent_ms) AS silent_ms
    FROM int_talk_clocks
    WHERE seq IS NULL
    GROUP BY stay_id
),

stretches AS (
    SELECT
        bridge_id, stay_id, seq,
        min(at_ms) AS from_ms,
        max(at_ms) AS to_ms,
        max(shared_ms) - min(shared_ms) AS shared_ms,
        max(crosstalk_ms) - min(crosstalk_ms) AS crosstalk_ms
    FROM int_talk_clocks
    WHERE seq IS NOT NULL
    GROUP BY ALL
    HAVING max(shared_ms) > min(shared_ms)
),

turned AS (
    SELECT
        *,
        lag(stay_id) OVER (PARTITION BY bridge_id ORDER BY from_ms, seq) IS DISTINCT FROM stay_id AS is_turn
    FROM stretches
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (is_turn) OVER (PARTITION BY bridge_id ORDER BY from_ms, seq ROWS UNBOUNDED PRECEDING) AS turn
    FROM turned
),

turns_of_stays AS (
    SELECT
        stay_id,
        max(to_ms) - min(from_ms) AS turn_ms,
        sum(shared_ms) AS spoken_ms,
        sum(crosstalk_ms) AS crosstalk_ms
    FROM numbered
    GROUP BY stay_id, turn
),

spoken AS (
    SELECT
        stay_id,
        count(*) AS turn_count,
        max(turn_ms) AS longest_turn_ms,
        sum(spoken_ms) AS spoken_ms,
        sum(crosstalk_ms) AS crosstalk_ms
    FROM turns_of_stays
    GROUP BY stay_id
)

SELECT
    heard.channel_id,
    sum(stays.all_spoken_ms)::BIGINT AS all_spoken_ms,
    sum(stays.silent_ms)::BIGINT AS silent_ms,
    COALESCE(sum(spoken.spoken_ms), 0)::BIGINT AS spoken_ms,
    COALESCE(sum(spoken.crosstalk_ms), 0)::BIGINT AS crosstalk_ms,
    COALESCE(sum(spoken.turn_count), 0)::BIGINT AS turn_count,
    COALESCE(max(spoken.longest_turn_ms), 0)::BIGINT AS longest_turn_ms
FROM stays
JOIN int_heard_stays AS heard USING (stay_id)
LEFT JOIN spoken USING (stay_id)
GROUP BY heard.channel_id
HAVING bool_and(heard.is_known AND stays.unheard_ms = 0) AND sum(stays.shared_ms) > 0
