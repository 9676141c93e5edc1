-- One row is one turn: what a party of a call with an agent says before another begins, or before a pause longer than
-- the parameter `turn_gap_ms`. Identified by `turn_seq`. Values that the recording does not show are NULL, and
-- `unknown_reason` says why.
WITH facts AS (
    SELECT
        listed.*, starts.* EXCLUDE (turn_seq), answers.* EXCLUDE (turn_seq, doubt), answers.doubt AS overlap_doubt,
        agent_calls_heard.* EXCLUDE (call_id), turn_stages.* EXCLUDE (turn_seq), hidden.undetected,
        barged.speaker AS barged_by, barged.started_at AS barged_at, barged.reason AS barge_doubt,
        -- The silence of a party is known only if some of its speech is detected.
        COALESCE(
            CASE WHEN NOT has_caller THEN 'caller undetected' WHEN NOT has_other_side THEN 'agent undetected' END,
            hidden.undetected_other
        ) AS side_doubt,
        CASE WHEN NOT listed.has_start THEN 'start' ELSE starts.order_doubt END AS start_doubt,
        COALESCE(own_until_at > other_until_at, false) AS is_own_last
    FROM turn_list AS listed
    JOIN turn_calls AS agent_calls_heard USING (call_id)
    LEFT JOIN turn_starts AS starts USING (turn_seq)
    LEFT JOIN turn_barge_ins AS barged USING (turn_seq)
    LEFT JOIN turn_answers AS answers USING (turn_seq)
    LEFT JOIN turn_undetected AS hidden USING (turn_seq)
    LEFT JOIN turn_stages USING (turn_seq)
),

doubted AS (
    SELECT
        *,
        CASE WHEN is_own_last THEN own_reason ELSE other_reason END AS last_reason,
        COALESCE(
            start_doubt, side_doubt, undetected, last_reason, CASE WHEN own_until_at > started_at THEN own_reason END
        ) AS silence_doubt,
        CASE WHEN NOT is_caller AND is_over IS NOT true THEN COALESCE(start_doubt, side_doubt, last_reason) END
            AS latency_doubt,
        COALESCE(doubt, side_doubt, barge_doubt, CASE WHEN barged_at IS NULL THEN reply_doubt END) AS barge_in_doubt,
        COALESCE(CASE WHEN NOT has_start THEN 'start' END, reason, side_doubt, overlap_doubt) AS span_doubt,
        CASE
            WHEN is_caller AND (is_answered IS NOT true OR reason IS NOT NULL)
            THEN COALESCE(reason, side_doubt, answer_doubt)
        END AS answer_reason,
        started_at < hung_up_at AND until_at >= hung_up_at AS is_hung_up,
        COALESCE(is_over, false) OR COALESCE(own_until_at > started_at, false) AS is_over_any
    FROM facts
),

measured AS (
    SELECT
        *,
        CASE WHEN silence_doubt IS NULL AND NOT is_over_any
            THEN ms_between(greatest(own_until_at, other_until_at, answered_at), started_at) END AS silent_ms
    FROM doubted
)

SELECT
    call_id, channel_id, bridge_id, speaker, source AS measured_by, started_at, ended_at,
    CASE WHEN has_start THEN seconds_between(started_at, ended_at) END AS duration_s,
    CASE WHEN NOT is_caller AND latency_doubt IS NULL
        THEN is_over IS NOT true AND NOT is_own_last AND other_until_at IS NOT NULL END AS is_answer,
    CASE WHEN is_answer AND other_end_doubt IS NULL THEN seconds_between(other_until_at, started_at) END AS latency_s,
    CASE WHEN is_answer THEN stt_ms / 1000 END AS stt_s, CASE WHEN is_answer THEN llm_ms / 1000 END AS llm_s,
    CASE WHEN is_answer THEN tts_ms / 1000 END AS tts_s, CASE WHEN is_answer THEN explained_ms / 1000 END AS explained_s,
    CASE WHEN NOT is_caller AND number = 1 AND has_start THEN seconds_between(answered_at, started_at) END
        AS first_word_s,
    silent_ms / 1000 AS silence_before_s, silent_ms > param('dead_air_s') * 1000 AS is_dead_air,
    CASE WHEN start_doubt IS NULL AND side_doubt IS NULL THEN COALESCE(is_over, false) END AS is_barge_in,
    CASE WHEN barge_in_doubt IS NULL THEN barged_by END AS barge_in_by,
    CASE WHEN barge_in_doubt IS NULL THEN barged_at END AS barge_in_at,
    CASE WHEN barge_in_doubt IS NULL AND end_doubt IS NULL THEN seconds_between(barged_at, ended_at) END AS yield_s,
    CASE WHEN span_doubt IS NULL THEN COALESCE(overlap_ms, 0) / 1000 END AS overlap_s,
    CASE
        WHEN answer_reason IS NULL AND is_caller THEN
            CASE WHEN is_answered THEN false WHEN NOT is_last OR hung_up_at IS NOT NULL THEN true END
    END AS is_unanswered,
    CASE WHEN is_hung_up AND has_clear_end THEN ended_by END AS hung_up_by,
    COALESCE(
        latency_doubt, CASE WHEN is_answer THEN other_end_doubt END, barge_in_doubt,
        CASE WHEN barge_in_by IS NOT NULL THEN end_doubt END, end_reason, span_doubt, silence_doubt, answer_reason,
        CASE WHEN is_hung_up AND NOT has_clear_end THEN reason END
    ) AS unknown_reason,
    talk_remedy(unknown_reason) AS remedy, turn_seq
FROM measured
