-- One row is one accepted request of an application that mutes a channel, puts it on hold, or ends that (`is_end`).
-- Identified by `seq`.
SELECT
    seq,
    asked_at AS event_at,
    channel_key(url_decode(split_part(path, '/', 2)), seq) AS channel_id,
    split_part(path, '/', 3) AS operation,
    method = 'DELETE' AS is_end
FROM stg_requests
WHERE method IN ('POST', 'DELETE')
    AND status BETWEEN 200 AND 299
    AND (path LIKE 'channels/%/mute' OR path LIKE 'channels/%/hold')
