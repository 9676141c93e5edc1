-- One row is one channel that was made and never dialled: no far end refused it. Identified by `channel_id`.
-- A recording without any `Dial` event does not show it.
-- `is_probe`: ChanIsAvail made it to see whether it can be made, and hung it up at once.
SELECT
    lives.channel_id,
    bool_or(
        COALESCE(contains(steps.dialplan_app_data, endpoint_of(events.channel_name)), false)
        AND ms_between(steps.event_at, lives.created_at) < 100 AND ms_between(lives.created_at, lives.ended_at) < 100
    ) AS is_probe
FROM int_channel_lives AS lives
JOIN stg_channel_events AS events
    ON events.seq = COALESCE(lives.created_seq, lives.first_seq) AND events.channel_id = lives.channel_id
LEFT JOIN stg_dialplan_steps AS steps ON steps.dialplan_app ILIKE 'ChanIsAvail' AND steps.seq < lives.created_seq
WHERE lives.is_unbroken AND NOT lives.is_dialled AND NOT lives.is_answered AND lives.ringing_at IS NULL
    AND is_outgoing_state(events.channel_state) AND (SELECT has_dials FROM int_recording_facts)
GROUP BY lives.channel_id
