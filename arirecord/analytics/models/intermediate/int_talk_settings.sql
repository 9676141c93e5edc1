-- One row is one setting or removal of talk detection on a channel, as a tapped request or a dialplan step shows it.
-- Identified by `seq`. `set_at` is by the recorder's clock.
SELECT
    seq,
    asked_at AS set_at,
    channel_key(url_decode(split_part(path, '/', 2)), seq) AS channel_id
FROM stg_requests
WHERE method = 'POST'
    AND path LIKE 'channels/%/variable'
    AND (url_decode(query) ILIKE '%&variable=TALK_DETECT(%' OR body ->> 'variable' ILIKE 'TALK_DETECT(%')
UNION ALL
SELECT steps.seq, receipts.received_at, steps.channel_id
FROM stg_dialplan_steps AS steps
JOIN stg_receipts AS receipts USING (seq)
WHERE steps.dialplan_app IN ('Set', 'MSet') AND steps.dialplan_app_data ILIKE '%TALK_DETECT(%'
