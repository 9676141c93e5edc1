-- One row is one stage of a voice agent from an OpenTelemetry file, given beside the recording. Identified by `trace_id`
-- and `span_id`.
SELECT trace_id, span_id, channel_id, stage, started_at, ended_at, first_s
FROM agent_spans
