-- One row is one step of a channel through menus: a prompt and the digits given to it. Identified by `channel_id` and
-- `step`. Digits before the first prompt are a step without one; digits in a conversation are not a step.
WITH given AS (
    SELECT
        channel_id,
        prompt_seq,
        string_agg(digit, '' ORDER BY seq) AS digits,
        CASE WHEN arg_min_null(started_at, seq) IS NOT NULL THEN min(started_at) END AS answered_at,
        min(seq) AS first_seq
    FROM digits
    WHERE is_connected IS NOT true
    GROUP BY channel_id, prompt_seq
),

marks AS (
    SELECT channel_id, seq, event_at, kind, prompt, prompt_kind, prompt_ended_at
    FROM int_menu_marks
    UNION ALL
    SELECT channel_id, first_seq, answered_at, 'unprompted', NULL, NULL, NULL
    FROM given
    WHERE prompt_seq IS NULL
),

followed AS (
    SELECT
        *,
        lead(event_at) OVER marks_of_channel AS next_at,
        lead(seq) OVER marks_of_channel AS next_seq,
        lead(kind) OVER marks_of_channel AS next_kind
    FROM marks
    WINDOW marks_of_channel AS (PARTITION BY channel_id ORDER BY seq)
),

steps AS (
    SELECT
        followed.*,
        row_number() OVER steps_of_channel AS step,
        given.digits,
        given.answered_at,
        lag(followed.prompt) OVER steps_of_channel AS previous_prompt,
        lag(given.digits) OVER steps_of_channel AS previous_digits,
        lead(followed.seq) OVER steps_of_channel IS NULL AS is_last
    FROM followed
    LEFT JOIN given
        ON given.channel_id = followed.channel_id
        AND given.prompt_seq IS NOT DISTINCT FROM CASE WHEN followed.kind = 'prompt' THEN followed.seq END
    WHERE followed.kind IN ('prompt', 'unprompted')
    WINDOW steps_of_channel AS (PARTITION BY followed.channel_id ORDER BY followed.seq)
)

SELECT
    steps.channel_id,
    calls.call_id,
    steps.step,
    steps.prompt,
    steps.prompt_kind,
    steps.digits,
    steps.previous_prompt,
    steps.previous_digits,
    steps.event_at AS started_at,
    steps.prompt_ended_at,
    steps.next_at AS ended_at,
    seconds_between(steps.event_at, steps.next_at) AS step_s,
    CASE WHEN steps.kind = 'prompt' THEN seconds_between(steps.event_at, steps.answered_at) END
        AS response_s,
    CASE WHEN steps.next_kind IN ('connected', 'hung_up', 'ended') THEN steps.next_kind END AS exit_reason,
    steps.is_last,
    steps.next_seq IS NOT NULL
        AND (gaps.seq IS NULL OR gaps.seq < lives.first_seq)
        -- A prompt may be missing before digits without one, unless the channel is known from its beginning.
        AND (steps.kind = 'prompt' OR lives.created_seq IS NOT NULL) AS is_complete,
    steps.seq AS first_seq,
    steps.next_seq AS last_seq
FROM steps
LEFT JOIN int_call_channels AS calls ON calls.channel_id = steps.channel_id
LEFT JOIN int_channel_lives AS lives ON lives.channel_id = steps.channel_id
ASOF LEFT JOIN int_gaps AS gaps ON steps.next_seq >= gaps.seq
