-- One row is one call whose outcome is known. Identified by `call_id`.
-- The first channel's answer decides; otherwise the last attempt that failed, otherwise the first channel's hangup cause
-- (Q.850). It is NULL for a status that Asterisk does not have. A CDR distinguishes few causes: tested with all
-- from 0 to 99.
SELECT
    parties.call_id,
    CASE
        WHEN parties.is_answered THEN 'ANSWERED'
        WHEN dials.dial_status IS NOT NULL THEN disposition_of(dials.dial_status)
        WHEN parties.hangup_cause = 17 THEN 'BUSY'
        WHEN parties.hangup_cause = 34 THEN 'CONGESTION'
        WHEN parties.tech_cause = 487 THEN 'CANCEL'
        WHEN parties.hangup_cause IN (0, 3, 20) THEN 'FAILED'
        ELSE 'NO ANSWER'
    END AS disposition
FROM int_call_parties AS parties
LEFT JOIN int_call_dials AS dials USING (call_id)
WHERE parties.is_answered OR (parties.is_ended AND parties.is_tracked)
