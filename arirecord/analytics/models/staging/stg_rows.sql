-- One row is one row of the recording, of any kind, with its time: rows that are not events have the time of receipt.
-- Identified by `seq`.
SELECT
    seq,
    kind,
    type,
    CASE WHEN kind = 'event' THEN event_time("timestamp", received_at, seq) ELSE received_at END AS event_at
FROM rows
