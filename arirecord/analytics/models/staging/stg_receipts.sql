-- One row is one event with the time of its receipt. Identified by `seq`.
SELECT seq, received_at, event_time(timestamp, received_at, seq) AS event_at
FROM events
WHERE timestamp IS NOT NULL
