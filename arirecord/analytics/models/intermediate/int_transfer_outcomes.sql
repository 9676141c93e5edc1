-- One row is one transfer, with its outcome. Identified by `seq`.
WITH known AS (
    SELECT
        transfers.*,
        tried.* EXCLUDE (seq, answered_at),
        tried.answered_at AS dial_answered_at,
        met.* EXCLUDE (seq),
        returned.channel_id AS returned_channel_id,
        returned.met_at AS returned_at,
        -- The recording may lack the target's events, but the transfer's own has its state.
        COALESCE(
            transfers.target_state = 'Up' OR lives.answered_seq < transfers.seq, lives.is_answered, transfers.is_inferred
        ) AS is_target_up,
        lives.answered_at AS target_answered_at,
        COALESCE(lives.is_unbroken AND lives.is_over, false) AS is_target_tracked,
        endpoint_of(transferer.channel_name) = endpoint_of(reached.channel_name) AS is_back
    FROM int_transfers AS transfers
    LEFT JOIN int_transfer_attempts AS tried USING (seq)
    LEFT JOIN int_transfer_meetings AS met USING (seq)
    LEFT JOIN int_transfer_returns AS returned USING (seq)
    LEFT JOIN int_channel_lives AS lives ON lives.channel_id = transfers.target_channel_id
    LEFT JOIN int_channel_facts AS transferer ON transferer.channel_id = transfers.transferer_channel_id
    LEFT JOIN int_channel_facts AS reached ON reached.channel_id = tried.answered_by_channel_id
),

judged AS (
    SELECT
        *,
        -- If the target does not answer, Asterisk may call it once more, by another channel.
        CASE
            WHEN kind = 'attended' AND target_answered_at IS NULL AND NOT is_target_up THEN met_channel_id
            ELSE COALESCE(target_channel_id, met_channel_id)
        END AS reached_id,
        CASE
            WHEN result <> 'Success' THEN 'failed'
            WHEN destination_type = 'refer' AND result = 'Success' THEN 'answered'
            WHEN destination_type = 'refer' THEN NULL
            WHEN is_inferred THEN 'answered'
            WHEN kind = 'attended' AND target_channel_id IS NOT NULL AND target_answered_at IS NULL AND NOT is_target_up
            THEN CASE
                WHEN returned_at IS NOT NULL THEN 'returned'
                WHEN met_at IS NOT NULL THEN 'answered'
                WHEN is_target_tracked THEN 'no answer'
            END
            WHEN kind = 'attended' AND target_channel_id IS NOT NULL THEN 'answered'
            WHEN dial_answered_at IS NOT NULL AND is_back THEN 'returned'
            WHEN dial_answered_at IS NOT NULL THEN 'answered'
            WHEN failed_status = 'BUSY' THEN 'busy'
            WHEN failed_status = 'NOANSWER' THEN 'no answer'
            WHEN failed_status = 'CANCEL' THEN 'abandoned'
            WHEN failed_status IS NOT NULL THEN 'failed'
            WHEN attempt_count > 0 THEN NULL
            WHEN met_at IS NOT NULL THEN 'answered'
            WHEN is_refused THEN 'failed'
            WHEN is_tracked THEN 'application'
        END AS outcome
    FROM known
)

SELECT
    judged.* EXCLUDE (answered_at),
    CASE
        WHEN outcome NOT IN ('answered', 'returned') THEN NULL
        WHEN destination_type = 'refer' THEN answered_at
        WHEN outcome = 'returned' AND kind = 'attended' THEN COALESCE(dial_answered_at, returned_at)
        WHEN kind = 'blind' OR target_channel_id IS NULL AND NOT is_inferred THEN COALESCE(dial_answered_at, met_at)
        WHEN is_target_up THEN event_at
        ELSE COALESCE(target_answered_at, met_at)
    END AS answered_at,
    CASE
        WHEN outcome = 'returned' THEN COALESCE(answered_by_channel_id, returned_channel_id)
        WHEN outcome = 'answered'
        THEN NULLIF(
            COALESCE(answered_by_channel_id, behind.reached_channel_id, reached_id), COALESCE(transferee_channel_id, '')
        )
    END AS final_channel_id
FROM judged
LEFT JOIN int_behind_locals AS behind ON behind.channel_id = judged.reached_id
