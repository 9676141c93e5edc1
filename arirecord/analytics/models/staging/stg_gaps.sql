-- One row is one time without a connection: what happened then is not in the recording. Identified by `seq`.
SELECT
    seq,
    received_at
FROM other_rows
WHERE kind = 'connection' AND type = 'gap'
