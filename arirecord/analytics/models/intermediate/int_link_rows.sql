-- One row is one row of the recording that first shows a link of two channels. Identified by `seq`.
SELECT seq, kind, type, event_at
FROM stg_rows
WHERE seq IN (SELECT first_seq FROM int_links)
