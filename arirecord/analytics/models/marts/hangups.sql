-- One row is one channel that ended. Identified by `channel_id`.
-- `is_soft` is true if only Asterisk requested the end, false if the channel's far end did, NULL without a request.
WITH requests AS (
    SELECT
        channel_id,
        min(event_at) AS requested_at,
        arg_min(hangup_cause, seq) AS requested_cause,
        bool_and(is_soft) AS is_soft
    FROM int_hangup_requests
    GROUP BY channel_id
)

SELECT
    lives.channel_id,
    calls.call_id,
    facts.channel_name,
    requests.requested_at,
    requests.requested_cause,
    requests.is_soft OR undialled.channel_id IS NOT NULL AS is_soft,
    lives.ended_at,
    facts.hangup_cause,
    facts.hangup_cause_txt,
    facts.tech_cause,
    lives.ended_seq AS seq
FROM int_channel_lives AS lives
JOIN int_channel_facts AS facts USING (channel_id)
LEFT JOIN int_call_channels AS calls USING (channel_id)
LEFT JOIN requests USING (channel_id)
LEFT JOIN int_undialled AS undialled USING (channel_id)
WHERE lives.ended_seq IS NOT NULL
