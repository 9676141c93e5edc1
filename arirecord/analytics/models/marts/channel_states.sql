-- One row is one state that a channel was in, from one event to the next. Identified by `channel_id` and `seq`.
WITH spans AS (
    SELECT
        *,
        lead(event_at) OVER (PARTITION BY channel_id ORDER BY seq) AS next_at,
        lead(seq) OVER (PARTITION BY channel_id ORDER BY seq) AS next_seq
    FROM int_channel_states
),

-- A gap may hide other states.
followed AS (
    SELECT
        spans.* EXCLUDE (next_at, next_seq),
        CASE
            WHEN list_bool_or(list_transform(gap_seqs, lambda g: g > seq AND g <= COALESCE(next_seq, ended_seq)))
            THEN NULL
            WHEN next_seq IS NULL THEN ended_at
            ELSE next_at
        END AS next_at
    FROM spans
    JOIN int_channel_lives AS lives USING (channel_id)
    CROSS JOIN (SELECT list(seq) AS gap_seqs FROM int_gaps) AS gaps
)

SELECT
    calls.call_id,
    spans.channel_id,
    facts.channel_name,
    spans.channel_state,
    spans.event_at AS started_at,
    spans.next_at AS ended_at,
    seconds_between(spans.event_at, spans.next_at) AS duration_s,
    spans.seq
FROM followed AS spans
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_call_channels AS calls USING (channel_id)
