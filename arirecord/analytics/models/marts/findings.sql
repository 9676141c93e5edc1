-- One row is one finding about a call: something went wrong in it, or the recording lacks a part of it. Identified by
-- `rule`, `call_id`, `channel_id` and `seq`.
WITH findings_of_rules AS (
    SELECT
        'gap-in-call' AS rule, 'error' AS severity,
        'the recording has a gap during the call: events are missing' AS finding,
        spans.call_id, NULL::VARCHAR AS channel_id, gaps.seq, gaps.begin_at AS event_at
    FROM int_gaps AS gaps
    -- The row at which a gap is noticed may be the first one after it, and that of a new call.
    JOIN int_call_spans AS spans ON gaps.seq > spans.first_seq AND gaps.seq <= spans.last_seq
    UNION ALL BY NAME
    FROM int_findings_of_events
    UNION ALL BY NAME
    FROM int_findings_of_legs
    UNION ALL BY NAME
    FROM int_findings_of_parties
    UNION ALL BY NAME
    FROM int_findings_of_bridges
    UNION ALL BY NAME
    FROM int_findings_of_apps
    UNION ALL BY NAME
    FROM int_findings_of_media
)

SELECT
    findings.call_id,
    findings.severity,
    findings.rule,
    findings.finding,
    fix_of(findings.rule) AS fix,
    findings.channel_id,
    findings.event_at,
    findings.seq
FROM findings_of_rules AS findings
-- Asterisk's helper channels alone are not a call.
JOIN int_call_spans AS spans USING (call_id)
