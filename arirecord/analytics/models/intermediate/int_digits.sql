-- One row is one DTMF digit received from a channel, counted once. Identified by `channel_id` and `seq`.
-- Asterisk reports a digit when it ends, with its length: it began `duration_ms` before.
-- A Local channel relays digits, and each of its ends reports them again: the digit of the channel behind it counts,
-- but if an app played prompts only to the Local end, the digit answers them and counts there.
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

placed AS (
    SELECT
        received.*, legs.call_id, legs.role,
        received.channel_id IN (SELECT channel_id FROM int_playbacks WHERE channel_id IS NOT NULL) AS is_prompted
    FROM received
    LEFT JOIN int_legs AS legs USING (channel_id)
),

relayed AS (
    SELECT DISTINCT
        relays.is_prompted AND NOT keyed.is_prompted AS is_answer,
        CASE WHEN is_answer THEN keyed.channel_id ELSE relays.channel_id END AS channel_id,
        CASE WHEN is_answer THEN keyed.seq ELSE relays.seq END AS seq
    FROM placed AS relays
    JOIN placed AS keyed
        ON keyed.call_id = relays.call_id AND keyed.digit = relays.digit AND keyed.role <> 'local'
        AND keyed.ended_at BETWEEN relays.ended_at - INTERVAL 1 SECOND AND relays.ended_at + INTERVAL 34 MILLISECONDS
    WHERE relays.role = 'local'
)

SELECT received.*
FROM received
ANTI JOIN relayed USING (channel_id, seq)
