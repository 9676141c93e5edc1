-- One row is one channel named by one `Dial` event. Identified by `seq` and `dial_role` (caller, peer, forwarded).
-- It has the columns of `stg_channel_events`: for some channels these are the only events in a recording.
WITH dialled AS (
    SELECT
        seq, timestamp, received_at, type, asterisk_id,
        unnest([
            {
                role: 'caller', id: caller_id, name: caller_name, state: caller_state, made_at: caller_creationtime,
                number: caller_caller_number, caller: caller_caller_name, connected: caller_connected_number,
                exten: caller_dialplan_exten,
                vars: caller_channelvars, protocol_id: caller_protocol_id
            },
            {
                role: 'peer', id: peer_id, name: peer_name, state: peer_state, made_at: peer_creationtime,
                number: peer_caller_number, caller: peer_caller_name, connected: peer_connected_number,
                exten: peer_dialplan_exten,
                vars: peer_channelvars, protocol_id: peer_protocol_id
            },
            {
                role: 'forwarded', id: forwarded_id, name: forwarded_name, state: forwarded_state,
                made_at: forwarded_creationtime, number: forwarded_caller_number, caller: forwarded_caller_name,
                connected: forwarded_connected_number, exten: forwarded_dialplan_exten,
                vars: forwarded_channelvars, protocol_id: forwarded_protocol_id
            }
        ]) AS channel
    FROM Dial
)

SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    type AS event_type,
    asterisk_id,
    channel.role AS dial_role,
    channel_key(channel.id, seq) AS channel_id,
    channel.name AS channel_name,
    channel.state AS channel_state,
    snapshot_time(channel.made_at, seq) AS channel_created_at,
    NULLIF(channel.number, '') AS caller_number,
    NULLIF(channel.caller, '') AS caller_name,
    NULLIF(channel.connected, '') AS connected_number,
    NULLIF(channel.exten, '') AS exten,
    NULLIF(channel.protocol_id, '') AS protocol_id,
    channel.vars AS channelvars
FROM dialled
WHERE channel.id IS NOT NULL
