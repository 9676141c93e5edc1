-- One row is one call: the channels that dials, bridges, Local channels and transfers connect. Identified by
-- `call_id`: the linkedid if it was recorded, otherwise the id of the call's earliest channel.
-- A call is answered when its first channel is. `billsec` is from then to the end in whole seconds, rounded down as in
-- a CDR. Values that the recording does not show are NULL.
SELECT
    spans.call_id,
    CASE
        -- A caller without a call may still make one, or have made one in a gap.
        WHEN parties.first_role = 'caller' AND NOT parties.has_called AND parties.is_ended AND spans.is_traced
        THEN 'inbound'
        WHEN parties.first_role IN ('called', 'local') AND param_text('trunks') = '*' THEN 'outbound'
        WHEN param_text('trunks') = '*' OR parties.first_role IS NULL THEN NULL
        WHEN parties.first_role = 'caller' AND parties.first_endpoint GLOB param_text('trunks') THEN 'inbound'
        WHEN spans.call_id IN (
            SELECT call_id FROM int_legs WHERE role = 'called' AND endpoint GLOB param_text('trunks')
        ) THEN 'outbound'
        WHEN parties.first_role <> 'caller' OR parties.has_called THEN 'internal'
    END AS direction,
    spans.started_at,
    parties.answered_at,
    spans.ended_at,
    seconds_between(spans.started_at, parties.answered_at) AS setup_s,
    CASE WHEN spans.is_traced THEN seconds_between(dials.dialled_at, dials.ringing_at) END AS pdd_s,
    CASE
        WHEN spans.is_traced
        THEN seconds_between(dials.ringing_at, COALESCE(
            dials.answered_at,
            -- A caller who has gone does not wait for phones that an app leaves ringing.
            CASE WHEN dials.ended_at > parties.gone_at THEN greatest(dials.ringing_at, parties.gone_at) END,
            dials.ended_at
        ))
    END AS ring_s,
    CASE
        WHEN ms_between(COALESCE(parties.answered_at, parties.until_at), parties.until_at) IS NOT NULL
        THEN seconds_between(spans.started_at, parties.until_at)
    END AS duration_s,
    CASE
        -- Like a CDR it stops when the channel leaves the bridge, a moment before the channel's end.
        WHEN parties.is_answered AND epoch_ms(parties.until_at) - epoch_ms(parties.last_left_at) < 100
        THEN ms_between(parties.answered_at, parties.last_left_at) // 1000
        WHEN parties.is_answered THEN ms_between(parties.answered_at, parties.until_at) // 1000
        WHEN (parties.is_ended OR spans.is_whole) AND parties.is_tracked THEN 0
    END AS billsec,
    CASE WHEN NOT spans.is_whole THEN NULL WHEN times.call_id IS NULL THEN 0 ELSE times.talk_ms / 1000 END AS talk_s,
    CASE WHEN NOT spans.is_whole THEN NULL WHEN times.call_id IS NULL THEN 0 ELSE times.hold_ms / 1000 END AS hold_s,
    CASE WHEN NOT spans.is_whole THEN NULL WHEN times.call_id IS NULL THEN 0 ELSE times.wait_ms / 1000 END AS wait_s,
    parties.caller_number,
    parties.caller_name,
    parties.dialled_exten,
    parties.dialled_context,
    CASE WHEN spans.is_traced THEN parties.called_number END AS called_number,
    spans.channel_count,
    spans.leg_count,
    CASE WHEN spans.is_traced THEN spans.caller_count END AS caller_count,
    CASE WHEN spans.is_whole THEN COALESCE(moved.transfer_count, 0) END AS transfer_count,
    outcomes.disposition,
    parties.hangup_cause,
    parties.hangup_cause_txt,
    COALESCE(parties.tech_cause, CASE WHEN NOT parties.is_answered THEN dials.tech_cause END) AS tech_cause,
    CASE WHEN spans.ended_at IS NOT NULL AND spans.is_unbroken THEN endings.ended_by END AS ended_by,
    CASE WHEN spans.ended_at IS NOT NULL AND spans.is_unbroken THEN endings.ended_by_channel_id END
        AS ended_by_channel_id,
    parties.first_channel_id,
    spans.is_complete,
    spans.first_seq,
    spans.last_seq
FROM int_call_spans AS spans
LEFT JOIN int_call_parties AS parties USING (call_id)
LEFT JOIN int_call_times AS times USING (call_id)
LEFT JOIN int_call_dials AS dials USING (call_id)
LEFT JOIN int_call_endings AS endings USING (call_id)
LEFT JOIN int_call_dispositions AS outcomes USING (call_id)
LEFT JOIN int_call_transfers AS moved USING (call_id)
