-- One row is one transfer. Identified by `seq`, its event's first. Frames that Asterisk sent twice count once.
SELECT * EXCLUDE (seq), min(seq) AS seq, false AS is_inferred
FROM stg_transfers
GROUP BY ALL
UNION ALL BY NAME
SELECT *, true AS is_inferred
FROM int_unannounced_transfers
UNION ALL BY NAME
SELECT *, false AS is_inferred
FROM int_refers
