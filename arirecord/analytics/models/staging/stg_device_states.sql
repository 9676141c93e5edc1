-- One row is one report of a device's state. Identified by `seq`. Asterisk repeats states.
SELECT
    seq,
    event_time(timestamp, received_at, seq) AS event_at,
    asterisk_id,
    device_state_name AS device,
    device_state_state AS state
FROM DeviceStateChanged
WHERE device_state_name IS NOT NULL
