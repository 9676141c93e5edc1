-- One row is one `Dial` event, as in `stg_dials`. Identified by `seq`. Many models read it.
SELECT * EXCLUDE (asterisk_id)
FROM stg_dials
