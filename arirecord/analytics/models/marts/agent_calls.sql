-- One row is one call with an agent: a media leg, playbacks, or an endpoint that the parameter `agent_endpoints` names.
-- Identified by `call_id`. Percentiles are of the agent's answers, and NULL if one of them is not known.
WITH setups AS (
    SELECT DISTINCT ON (call_id) * FROM int_media_setups ORDER BY call_id, asked_at
),

agents AS (
    SELECT call_id, arg_min(channel_id, channel_id) FILTER (speaker = 'agent') AS channel_id
    FROM turn_parties
    WHERE has_agent OR call_id IN (SELECT call_id FROM int_call_speech WHERE source = 'PlaybackStarted')
    GROUP BY call_id
)

SELECT
    agents.call_id,
    agents.channel_id AS agent_channel_id,
    heard.answered_at,
    counted.first_word_s,
    CASE WHEN is_all_known THEN counted.turn_count END AS turn_count,
    CASE WHEN is_known THEN counted.agent_turn_count END AS agent_turn_count,
    CASE WHEN is_known THEN counted.caller_turn_count END AS caller_turn_count,
    CASE WHEN is_all_known THEN counted.human_turn_count END AS human_turn_count,
    COALESCE(counted.answer_count, 0) AS answer_count,
    COALESCE(counted.unknown_count, 0) AS unknown_count,
    CASE WHEN is_known THEN round(counted.latency_p50_s, 3) END AS latency_p50_s,
    CASE WHEN is_known THEN round(counted.latency_p95_s, 3) END AS latency_p95_s,
    CASE WHEN is_known THEN counted.latency_max_s END AS latency_max_s,
    round(stt_p50_s, 3) AS stt_p50_s, round(llm_p50_s, 3) AS llm_p50_s, round(tts_p50_s, 3) AS tts_p50_s,
    round(explained_p50_s, 3) AS explained_p50_s,
    CASE WHEN counted.agent_open_count = 0 THEN round(counted.agent_speech_s, 3) END AS agent_speech_s,
    CASE WHEN counted.caller_open_count = 0 THEN round(counted.caller_speech_s, 3) END AS caller_speech_s,
    round(agent_speech_s / NULLIF(agent_speech_s + caller_speech_s, 0), 3) AS agent_share_ratio,
    CASE WHEN is_known THEN counted.agent_interrupted_count END AS agent_interrupted_count,
    CASE WHEN is_known THEN counted.caller_interrupted_count END AS caller_interrupted_count,
    CASE WHEN is_known THEN counted.yield_max_s END AS yield_max_s,
    CASE WHEN is_all_known THEN counted.unanswered_count END AS unanswered_count,
    CASE WHEN is_all_known THEN counted.dead_air_count END AS dead_air_count,
    CASE WHEN is_all_known THEN counted.longest_silence_s END AS longest_silence_s,
    CASE WHEN counted.has_ends AND is_all_known AND counted.hung_up_during IS NULL
        THEN seconds_between(counted.silent_from_at, heard.hung_up_at) END AS end_silence_s,
    heard.ended_by AS hung_up_by,
    counted.hung_up_during,
    handovers.handed_over_at,
    handovers.channel_id AS human_channel_id,
    CASE
        WHEN handovers.call_id IS NOT NULL OR moved.transfer_count > 0 THEN false
        WHEN spans.is_whole THEN true
    END AS is_contained,
    seconds_between(setups.asked_at, setups.up_at) AS media_up_s,
    seconds_between(setups.asked_at, setups.bridged_at) AS media_bridged_s,
    seconds_between(setups.asked_at, setups.sound_at) AS media_sound_s,
    CASE WHEN counted.call_id IS NULL THEN 'caller undetected' ELSE counted.unknown_reason END AS unknown_reason,
    talk_remedy(unknown_reason) AS remedy
FROM agents
LEFT JOIN turn_counts AS counted USING (call_id)
LEFT JOIN turn_calls AS heard USING (call_id)
LEFT JOIN setups USING (call_id)
LEFT JOIN turn_handovers AS handovers USING (call_id)
LEFT JOIN int_call_transfers AS moved USING (call_id)
LEFT JOIN int_call_spans AS spans USING (call_id)
