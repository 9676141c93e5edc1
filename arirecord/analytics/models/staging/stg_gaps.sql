-- One row is one time that was not recorded: without a connection, or between two recordings; or a restart of Asterisk
-- without such a time. Identified by `seq`.
-- The gap lies before the row `seq`; a gap between recordings has a number of its own. Times are by the recorder's
-- clock.
SELECT seq, begin_at, end_at
FROM recording_gaps
UNION ALL
SELECT seq, begin_at, end_at
FROM asterisk_restarts
WHERE seq NOT IN (SELECT seq FROM recording_gaps)
