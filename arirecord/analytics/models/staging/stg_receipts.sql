-- One row is one event with the time of its receipt. Identified by `seq`. `recorded_at` is that time by the monotonic
-- clock of the recorder.
SELECT
    seq,
    received_at,
    recorder_time(elapsed_ns, seq) AS recorded_at,
    event_time(timestamp, received_at, seq) AS event_at
FROM events
WHERE timestamp IS NOT NULL
