-- One row is one end of a Local channel, with its other end. Identified by `channel_id`.
SELECT channel_id, other_id
FROM int_links
WHERE reason = 'pair'
UNION ALL
SELECT other_id, channel_id
FROM int_links
WHERE reason = 'pair'
