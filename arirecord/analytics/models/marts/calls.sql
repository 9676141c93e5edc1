-- One row is one call: the channels that dials, bridges, Local channels and transfers tie together. Identified by
-- `call_id`: the linkedid where it was recorded, else the id of the call's earliest channel.
-- It is answered when its first channel is; `billsec` is from then to the end of the last channel, in whole seconds,
-- cut off as a CDR does it. What the recording can't know is NULL.
WITH spans AS (
    SELECT
        call_id,
        min(created_at) AS started_at,
        CASE WHEN bool_and(is_ended) THEN max(ended_at) END AS ended_at,
        count(*) AS channel_count,
        count(*) FILTER (role IS DISTINCT FROM 'local' AND NOT is_helper) AS leg_count,
        bool_and(is_complete) AS is_complete,
        min(first_seq) AS first_seq,
        max(last_seq) AS last_seq
    FROM int_legs
    GROUP BY call_id
),

moved AS (
    SELECT call_id, count(*) AS transfer_count
    FROM transfers
    WHERE result = 'Success' OR is_inferred
    GROUP BY call_id
)

SELECT
    call_id,
    spans.started_at,
    parties.answered_at,
    spans.ended_at,
    (epoch_ms(spans.ended_at) - epoch_ms(spans.started_at)) / 1000 AS duration_s,
    CASE
        WHEN parties.is_answered THEN (epoch_ms(spans.ended_at) - epoch_ms(parties.answered_at)) // 1000
        WHEN parties.is_ended THEN 0
    END AS billsec,
    CASE WHEN talked.call_id IS NULL THEN 0 ELSE talked.talk_ms / 1000 END AS talk_s,
    parties.caller_number,
    parties.caller_name,
    parties.dialled_exten,
    parties.dialled_context,
    parties.called_number,
    spans.channel_count,
    spans.leg_count,
    COALESCE(moved.transfer_count, 0) AS transfer_count,
    CASE
        WHEN parties.is_answered THEN 'ANSWERED'
        WHEN NOT parties.is_ended THEN NULL
        WHEN dials.dial_status IN ('BUSY', 'CANCEL', 'CONGESTION') THEN dials.dial_status
        WHEN dials.dial_status = 'CHANUNAVAIL' THEN 'FAILED'
        WHEN dials.dial_status IS NOT NULL THEN 'NO ANSWER'
        WHEN parties.hangup_cause = 17 THEN 'BUSY'
        WHEN parties.hangup_cause IN (34, 38, 41, 42, 44) THEN 'CONGESTION'
        WHEN parties.tech_cause = 487 THEN 'CANCEL'
        WHEN parties.hangup_cause IN (16, 18, 19, 21, 31) THEN 'NO ANSWER'
        ELSE 'FAILED'
    END AS disposition,
    parties.hangup_cause,
    parties.hangup_cause_txt,
    endings.ended_by,
    endings.ended_by_channel_id,
    parties.first_channel_id,
    spans.is_complete,
    spans.first_seq,
    spans.last_seq
FROM spans
JOIN int_call_parties AS parties USING (call_id)
LEFT JOIN int_call_talk AS talked USING (call_id)
LEFT JOIN int_call_dials AS dials USING (call_id)
LEFT JOIN int_call_endings AS endings USING (call_id)
LEFT JOIN moved USING (call_id)
