-- One row is one channel by which a transfer goes on, with the positions between which it does. Identified by `seq` and
-- `goer_id`. It is the transferee, or the far half of the Local channel that takes the transferer's place. Dials by the
-- transferer's second channel count if they were still open (`open_seq`).
SELECT
    seq, next_seq, moved_seq AS from_seq, moved_seq AS open_seq,
    COALESCE(halves.other_id, replace_channel_id, transferee_channel_id) AS goer_id,
    -- Parties of an attended transfer, and those that an app handles, may stay in their bridge: another comes to them.
    kind = 'attended' OR destination_type = 'refer' AS is_joined,
    COALESCE(transferee_channel_id, '') AS transferee_id,
    COALESCE(transferer_channel_id, '') AS transferer_id,
    COALESCE(transferer_second_channel_id, '') AS second_id
FROM int_transfer_spans AS spans
LEFT JOIN int_local_halves AS halves ON halves.channel_id = spans.replace_channel_id
UNION ALL BY NAME
SELECT
    seq, next_seq, 0 AS from_seq, seq AS open_seq, transferer_second_channel_id AS goer_id,
    false AS is_joined,
    COALESCE(transferee_channel_id, '') AS transferee_id,
    COALESCE(transferer_channel_id, '') AS transferer_id,
    COALESCE(transferer_second_channel_id, '') AS second_id
FROM int_transfer_spans
WHERE destination_type = 'application'
