-- One row is one transfer, with its outcome. Identified by `seq`.
WITH returned AS (
    -- If the target does not answer after a consultation by keys, Asterisk calls the transferer back.
    SELECT
        transfers.seq, arg_min(facts.channel_id, stays.entered_seq) AS channel_id, min(stays.entered_at) AS met_at
    FROM int_transfers AS transfers
    JOIN int_legs AS transferer ON transferer.channel_id = transfers.transferer_channel_id
    JOIN int_legs AS legs
        ON legs.call_id = transferer.call_id AND legs.endpoint = transferer.endpoint AND legs.role = 'called'
    JOIN int_channel_facts AS facts ON facts.channel_id = legs.channel_id AND facts.first_seq > transfers.seq
    JOIN int_talk_stays AS stays ON stays.channel_id = legs.channel_id
    GROUP BY transfers.seq
),

known AS (
    SELECT
        transfers.*,
        tried.* EXCLUDE (seq, answered_at),
        tried.answered_at AS dial_answered_at,
        returned.channel_id AS returned_channel_id,
        returned.met_at AS returned_at,
        COALESCE(lives.answered_seq < transfers.seq, lives.is_answered, transfers.is_inferred) AS is_target_up,
        lives.answered_at AS target_answered_at,
        endpoint_of(transferer.channel_name) = endpoint_of(reached.channel_name) AS is_back
    FROM int_transfers AS transfers
    LEFT JOIN int_transfer_attempts AS tried USING (seq)
    LEFT JOIN returned USING (seq)
    LEFT JOIN int_channel_lives AS lives ON lives.channel_id = transfers.target_channel_id
    LEFT JOIN int_channel_facts AS transferer ON transferer.channel_id = transfers.transferer_channel_id
    LEFT JOIN int_channel_facts AS reached ON reached.channel_id = tried.answered_by_channel_id
),

judged AS (
    SELECT
        *,
        CASE
            WHEN result <> 'Success' THEN 'failed'
            WHEN destination_type = 'refer' AND result = 'Success' THEN 'answered'
            WHEN destination_type = 'refer' THEN NULL
            WHEN is_inferred THEN 'answered'
            WHEN kind = 'attended' AND target_channel_id IS NOT NULL AND target_answered_at IS NULL AND NOT is_target_up
            THEN CASE WHEN returned_at IS NULL THEN 'no answer' ELSE 'returned' END
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
        ELSE target_answered_at
    END AS answered_at,
    CASE
        WHEN outcome = 'returned' THEN COALESCE(answered_by_channel_id, returned_channel_id)
        WHEN outcome = 'answered'
        THEN COALESCE(answered_by_channel_id, behind.reached_channel_id, target_channel_id, met_channel_id)
    END AS final_channel_id
FROM judged
LEFT JOIN int_behind_locals AS behind ON behind.channel_id = judged.target_channel_id
