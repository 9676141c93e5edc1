-- One row is one request to hang a channel up, as in `stg_hangup_requests`. Identified by `seq`. Several models read it.
SELECT *
FROM stg_hangup_requests
