-- One row is one DTMF digit received from a channel, counted once. Identified by `channel_id` and `seq`.
-- Asterisk reports a digit when it ends, with its length: it began `duration_ms` before. A digit that would have begun
-- before its channel, or after its end, has no known length and beginning.
-- A Local channel relays digits, and each of its ends reports them again: the digit of the channel behind it counts,
-- but if the last prompt before it was played to the Local end, the digit answers it and counts there.
WITH received AS (
    SELECT
        channel_id,
        digit,
        duration_ms,
        event_at - to_milliseconds(COALESCE(duration_ms, 0)) AS started_at,
        event_at AS ended_at,
        min(seq) AS seq
    FROM stg_digits
    GROUP BY ALL
),

prompts AS (
    SELECT channel_id, seq FROM int_prompts
    UNION
    SELECT channel_id, first_seq FROM int_playbacks WHERE channel_id IS NOT NULL
),

placed AS (
    SELECT received.*, legs.call_id, legs.role, prompts.seq AS prompt_seq
    FROM received
    LEFT JOIN int_legs AS legs USING (channel_id)
    ASOF LEFT JOIN prompts ON prompts.channel_id = received.channel_id AND prompts.seq < received.seq
),

relayed AS (
    SELECT DISTINCT
        COALESCE(relays.prompt_seq > COALESCE(keyed.prompt_seq, -1), false) AS is_answer,
        CASE WHEN is_answer THEN keyed.channel_id ELSE relays.channel_id END AS channel_id,
        CASE WHEN is_answer THEN keyed.seq ELSE relays.seq END AS seq
    FROM placed AS relays
    JOIN placed AS keyed
        ON keyed.call_id = relays.call_id AND keyed.digit = relays.digit AND keyed.role <> 'local'
        AND keyed.ended_at BETWEEN relays.ended_at - INTERVAL 1 SECOND AND relays.ended_at + INTERVAL 34 MILLISECONDS
    WHERE relays.role = 'local'
)

SELECT
    received.* EXCLUDE (duration_ms, started_at),
    ms_between(COALESCE(facts.created_at, received.started_at), received.started_at) IS NOT NULL
        AND COALESCE(received.duration_ms >= 0, true) AS is_possible,
    CASE WHEN is_possible THEN received.duration_ms END AS duration_ms,
    CASE WHEN is_possible THEN received.started_at END AS started_at
FROM received
ANTI JOIN relayed USING (channel_id, seq)
LEFT JOIN int_channel_facts AS facts USING (channel_id)
