-- One row is one time that was not recorded, as in `stg_gaps`. Identified by `seq`. Most models read it.
SELECT seq, begin_at, end_at
FROM stg_gaps
