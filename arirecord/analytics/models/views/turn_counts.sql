-- One row is one call with turns, with its numbers of turns and times. Identified by `call_id`.
-- `unknown_count` are turns of the agent of which it is not known whether they answer, or how late, and turns of the
-- caller of which it is not known whether they were answered. `is_known`: `unknown_count` is 0; `is_all_known`: also,
-- speech of all parties is detected.
SELECT
    call_id,
    count(*) AS turn_count,
    count(*) FILTER (speaker = 'agent') AS agent_turn_count,
    count(*) FILTER (speaker = 'caller') AS caller_turn_count,
    count(*) FILTER (speaker = 'human') AS human_turn_count,
    min(first_word_s) AS first_word_s,
    count(latency_s) FILTER (speaker = 'agent') AS answer_count,
    count(*) FILTER (
        (speaker = 'agent' AND (is_answer IS NULL OR (is_answer AND latency_s IS NULL)))
        OR (speaker = 'caller' AND is_unanswered IS NULL AND unknown_reason <> 'party undetected')
    ) AS unknown_count,
    quantile_cont(latency_s, 0.5) FILTER (speaker = 'agent') AS latency_p50_s,
    quantile_cont(latency_s, 0.95) FILTER (speaker = 'agent') AS latency_p95_s,
    max(latency_s) FILTER (speaker = 'agent') AS latency_max_s,
    median(stt_s) FILTER (speaker = 'agent') AS stt_p50_s,
    median(llm_s) FILTER (speaker = 'agent') AS llm_p50_s,
    median(tts_s) FILTER (speaker = 'agent') AS tts_p50_s,
    median(explained_s) FILTER (speaker = 'agent') AS explained_p50_s,
    sum(duration_s) FILTER (speaker = 'agent') AS agent_speech_s,
    sum(duration_s) FILTER (speaker = 'caller') AS caller_speech_s,
    count(*) FILTER (speaker = 'agent' AND duration_s IS NULL) AS agent_open_count,
    count(*) FILTER (speaker = 'caller' AND duration_s IS NULL) AS caller_open_count,
    count(*) FILTER (speaker = 'agent' AND barge_in_by = 'caller') AS agent_interrupted_count,
    count(*) FILTER (speaker = 'caller' AND barge_in_by = 'agent') AS caller_interrupted_count,
    max(yield_s) FILTER (speaker = 'agent') AS yield_max_s,
    count(*) FILTER (is_unanswered) AS unanswered_count,
    count(*) FILTER (is_dead_air) AS dead_air_count,
    max(silence_before_s) AS longest_silence_s,
    max(ended_at) AS silent_from_at,
    bool_and(ended_at IS NOT NULL) AS has_ends,
    arg_max(speaker, started_at) FILTER (hung_up_by IS NOT NULL) AS hung_up_during,
    unknown_count = 0 AS is_known,
    is_known AND NOT COALESCE(bool_or(ends_with(unknown_reason, ' undetected')), false) AS is_all_known,
    arg_min(unknown_reason, turn_seq) AS unknown_reason
FROM turns
GROUP BY call_id
