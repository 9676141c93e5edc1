-- One row is one time without a connection, by the row that reports it. Identified by `seq`.
SELECT seq
FROM stg_gaps
