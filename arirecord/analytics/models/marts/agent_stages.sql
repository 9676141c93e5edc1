-- One row is one stage of a voice agent's answer: speech to text, the model, text to speech, as its app posted or traced
-- it. Identified by `seq`, or by `trace_id` and `span_id`.
SELECT
    call_id, channel_id, stage, started_at, ended_at,
    seconds_between(started_at, ended_at) AS duration_s,
    first_s, seq, trace_id, span_id
FROM int_agent_stages
