-- One row is one row of the recording, of any kind, with its time. Identified by `seq`.
SELECT seq, kind, type, COALESCE(event_time("timestamp", received_at, seq), received_at) AS event_at
FROM rows
