-- One row is one finding about an action of a party: a dial, a transfer or a hold that led to nothing. Identified by
-- `rule`, `call_id`, `channel_id` and `seq`.
WITH transfers_of_calls AS (
    -- A transfer can join two calls that recorded linkedids keep apart: the finding is about both.
    SELECT DISTINCT calls.call_id, transfers.* EXCLUDE (named_id)
    FROM (
        SELECT
            seq, event_at, kind, result, outcome, target, transferer_channel_id,
            unnest([
                transferer_channel_id, transferer_second_channel_id, transferee_channel_id, target_channel_id
            ]) AS named_id
        FROM int_transfer_outcomes
    ) AS transfers
    JOIN int_call_channels AS calls ON calls.channel_id = transfers.named_id
),

-- A transferred caller who was parked has reached the parking lot.
parked AS (
    SELECT goers.seq
    FROM int_transfer_goers AS goers
    JOIN int_bridge_waits AS waits
        ON waits.channel_id = goers.goer_id AND waits.seq >= goers.from_seq AND waits.seq < goers.next_seq
    WHERE waits.kind = 'parking'
),

unended_dials AS (
    SELECT peer_channel_id, min(seq) AS seq, min(started_at) AS started_at
    FROM int_dial_attempts
    WHERE caller_channel_id IS NOT NULL
    GROUP BY peer_channel_id
    HAVING count(dial_status) = 0 AND count(started_at) > 0
)

SELECT
    'dial-without-status' AS rule, 'warning' AS severity,
    'was dialled and ended, and the dial reported no status' AS finding,
    calls.call_id, dials.peer_channel_id AS channel_id, dials.seq, dials.started_at AS event_at
FROM unended_dials AS dials
JOIN int_channel_lives AS lives ON lives.channel_id = dials.peer_channel_id
JOIN int_call_channels AS calls ON calls.channel_id = dials.peer_channel_id
WHERE lives.ended_seq IS NOT NULL
UNION ALL
SELECT
    'answered-but-alone', 'warning', 'answered and was not connected to a party',
    calls.call_id, dials.peer_channel_id, dials.ended_seq, dials.ended_at
FROM int_dial_attempts AS dials
JOIN int_channel_lives AS lives ON lives.channel_id = dials.peer_channel_id
JOIN int_call_channels AS calls ON calls.channel_id = dials.peer_channel_id
ANTI JOIN int_bridge_stays AS stays ON stays.channel_id = dials.peer_channel_id
WHERE dials.caller_channel_id IS NOT NULL AND dials.dial_status = 'ANSWER' AND lives.ended_seq IS NOT NULL
UNION ALL
SELECT
    'transfer-failed', 'warning',
    format('{} transfer to {} failed: {}', kind, COALESCE(target, 'an unknown target'), result),
    call_id, transferer_channel_id, seq, event_at
FROM transfers_of_calls
WHERE result <> 'Success'
UNION ALL
SELECT
    'transfer-in-vain', 'warning',
    format('{} transfer to {} was done and reached no one: {}', kind, COALESCE(target, 'an unknown target'), outcome),
    call_id, transferer_channel_id, seq, event_at
FROM transfers_of_calls
WHERE result = 'Success' AND outcome IN ('abandoned', 'busy', 'failed', 'no answer', 'returned')
    AND seq NOT IN (SELECT seq FROM parked)
UNION ALL
SELECT
    'hold-without-unhold', 'warning',
    format('held the other side until the end, {:.1f} s later', seconds_between(holds.started_at, holds.ended_at)),
    calls.call_id, holds.channel_id, holds.seq, holds.started_at
FROM int_holds AS holds
-- The held channels may leave shortly before the holding one ends.
JOIN int_channel_lives AS lives
    ON lives.channel_id = holds.channel_id AND lives.ended_seq >= holds.ended_seq
    AND ms_between(holds.ended_at, lives.ended_at) <= 1000
    AND NOT holds.is_taken_back AND NOT holds.is_by_app
JOIN int_call_channels AS calls ON calls.channel_id = holds.channel_id
-- In a transfer a hold until the end is usual.
ANTI JOIN int_transfers AS transfers ON transfers.transferer_channel_id = holds.channel_id
