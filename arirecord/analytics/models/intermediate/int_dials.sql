-- One row is one `Dial` event, as in `stg_dials`. Identified by `seq`. Many models read it.
FROM stg_dials
